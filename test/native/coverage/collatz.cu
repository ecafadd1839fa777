// Covers: loops that diverge, 32- and 64-bit instances of one template with overloaded bit intrinsics, uchar4 as an
// argument by value and as a result, a two-dimensional grid that overhangs its picture.
__device__ int trailingZeros(unsigned int v) { return __ffs(v) - 1; }
__device__ int trailingZeros(unsigned long long v) { return __ffsll(v) - 1; }

/** Steps of "halve the even, 3 n + 1 the odd" from n down to 1. */
template <class Word>
__device__ int stepsToOne(Word n) {
  int steps = 0;
  for (;;) {
    const int halvings = trailingZeros(n);
    n >>= halvings;
    steps += halvings;
    if (n == 1) return steps;
    n += (n << 1) + 1;
    ++steps;
  }
}

/** Colours pixel (x, y) by the steps of first + y * width + x; each channel wraps at 256. */
template <class Word>
__global__ void paintSteps(uchar4 *picture, int width, int height, Word first, const uchar4 tint) {
  const unsigned int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= width || y >= height) return;
  const int steps = stepsToOne<Word>(first + y * width + x);
  uchar4 pixel = make_uchar4(steps, steps >> 8, 0, 255);
  pixel.z = steps * tint.z + tint.w;
  picture[y * width + x] = pixel;
}
