// Probe: what a tensor holds, without bringing it to the host.
//
// Idea: before and after a measurement the lab asks whether inputs were changed, whether outputs were written at all
//   and whether they hold NaN. Sums of independent terms, so that the order of threads does not matter.
// Traffic: 1 read of the tensor.
// Launch: any one-dimensional grid and block; `sums` starts at zero. `infinity` is the type's infinity without its
//   sign (every larger pattern is NaN), 0 for integers.
__device__ unsigned long long mixed(unsigned long long value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ull;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebull;
  return value ^ (value >> 31);
}

template <typename Word>
__device__ void scan(const unsigned char* bytes, long long count, unsigned long long infinity, long long* sums) {
  const Word* words = reinterpret_cast<const Word*>(bytes);
  const Word untouched = static_cast<Word>(~0ull);
  const Word magnitude = untouched >> 1;
  unsigned long long hash = 0, nans = 0, unwritten = 0, zeros = 0;
  const long long step = (long long)gridDim.x * blockDim.x;
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
    const Word word = words[i];
    hash += mixed((unsigned long long)word + mixed((unsigned long long)i + 1));
    nans += infinity != 0 && (word & magnitude) > infinity;
    unwritten += word == untouched;
    zeros += (word & magnitude) == 0;
  }
  unsigned long long* out = reinterpret_cast<unsigned long long*>(sums);
  atomicAdd(&out[0], hash);
  if (nans) atomicAdd(&out[1], nans);
  if (unwritten) atomicAdd(&out[2], unwritten);
  if (zeros) atomicAdd(&out[3], zeros);
}

extern "C" __global__ void contents(const unsigned char* bytes, long long count, int width,
                                    unsigned long long infinity, long long* sums) {
  if (width == 1) scan<unsigned char>(bytes, count, infinity, sums);
  if (width == 2) scan<unsigned short>(bytes, count, infinity, sums);
  if (width == 4) scan<unsigned int>(bytes, count, infinity, sums);
  if (width == 8) scan<unsigned long long>(bytes, count, infinity, sums);
}
