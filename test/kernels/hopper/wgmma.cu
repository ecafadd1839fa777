// D (64 x N) = A (64 x 64) B (64 x N): tiles by TMA in any layout, four k-steps of wgmma.
#include "tma.cuh"
#include "wgmma.cuh"

// The tile's bytes, and its descriptor at k-step `step`: `rows` of 64 along k, or of `rows` along the other axis.
template <lab::Swizzle S, lab::Major M>
struct Tile {
  static constexpr int width = lab::swizzleBytes(S) / 2;  // elements of a panel's row
  unsigned char* base;
  int extent;

  // Panels along k hold every row; panels along the other axis hold all 64 of k.
  __device__ int panels() const { return M == lab::Major::k ? 64 / width : (extent + width - 1) / width; }
  __device__ int panelBytes() const { return (M == lab::Major::k ? extent : 64) * width * 2; }

  __device__ void load(const CUtensorMap& map, lab::Mbarrier& full) const {
    lab::mbarrierExpect(full, panels() * panelBytes());
    for (int p = 0; p < panels(); ++p) lab::tmaLoad(base + p * panelBytes(), map, full, p * width, 0);
  }
  __device__ lab::MatrixDescriptor at(int step) const {
    if (M == lab::Major::k) {
      unsigned char* start = base + 16 * step / width * panelBytes() + 16 * step % width * 2;
      return S == lab::Swizzle::none ? lab::matrixDescriptor(start, S, panelBytes(), 128)
                                     : lab::matrixDescriptor(start, S, 16, 16 * width);
    }
    unsigned char* start = base + step * 16 * width * 2;
    return S == lab::Swizzle::none ? lab::matrixDescriptor(start, S, 128, panelBytes())
                                   : lab::matrixDescriptor(start, S, panelBytes(), 16 * width);
  }
};

// Where this thread's register r of a 64 x N product lies.
__device__ int rowOf(int r) { return threadIdx.x % 128 / 32 * 16 + threadIdx.x % 32 / 4 + r / 2 % 2 * 8; }
__device__ int columnOf(int r) { return r / 4 * 8 + threadIdx.x % 4 * 2 + r % 2; }

// One warpgroup. `a` row-major again for the form that takes A from registers.
template <typename T, int N, lab::Swizzle S, lab::Major A, lab::Major B, bool Registers>
__global__ void __launch_bounds__(128, 1) wgmma(const __grid_constant__ CUtensorMap mapA,
                                                const __grid_constant__ CUtensorMap mapB, const T* a, float* d) {
  extern __shared__ __align__(1024) unsigned char tiles[];
  __shared__ lab::Mbarrier full;
  const Tile<S, A> left{tiles, 64};
  const Tile<S, B> right{tiles + 8192, N};
  if (threadIdx.x == 0) {
    lab::mbarrierInit(full, 1);
    lab::mbarrierInitFence();
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    left.load(mapA, full);
    right.load(mapB, full);
    lab::mbarrierArrive(full);
  }
  lab::mbarrierWait(full, 0);
  float sum[N / 2];
  unsigned fragment[4][4];
  for (int step = 0; step < 4; ++step)
    for (int i = 0; i < 4; ++i) {
      const int row = rowOf(2 * i), k = 16 * step + threadIdx.x % 4 * 2 + i / 2 * 8;
      fragment[step][i] = *reinterpret_cast<const unsigned*>(a + row * 64 + k);
    }
  lab::wgmmaFence();
#pragma unroll
  for (int step = 0; step < 4; ++step) {
    if (Registers) {
      lab::wgmma<T, B>(sum, fragment[step], right.at(step), step > 0);
    } else {
      lab::wgmma<T, B, A>(sum, left.at(step), right.at(step), step > 0);
    }
  }
  lab::wgmmaCommit();
  lab::wgmmaWait<0>(sum);
#pragma unroll
  for (int r = 0; r < N / 2; ++r) d[rowOf(r) * N + columnOf(r)] = sum[r];
}

// Two groups in flight on two accumulators; the first is used while the second may still run. B: 64 x 64, k-major.
__global__ void __launch_bounds__(128, 1) wgmma_groups(const __grid_constant__ CUtensorMap mapA,
                                                       const __grid_constant__ CUtensorMap mapB, float* d, int rounds) {
  extern __shared__ __align__(1024) unsigned char tiles[];
  __shared__ lab::Mbarrier full;
  if (threadIdx.x == 0) {
    lab::mbarrierInit(full, 1);
    lab::mbarrierInitFence();
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    lab::mbarrierArriveExpect(full, 16384);
    lab::tmaLoad(tiles, mapA, full, 0, 0);
    lab::tmaLoad(tiles + 8192, mapB, full, 0, 0);
  }
  lab::mbarrierWait(full, 0);
  const auto a = lab::kMajor(tiles), b = lab::kMajor(tiles + 8192);
  float even[32] = {}, odd[32] = {}, total[32] = {};
  for (int round = 0; round < rounds; ++round) {
    lab::wgmmaFence();
#pragma unroll
    for (int step = 0; step < 4; step += 2) lab::wgmma<__half>(even, lab::advance(a, 32 * step), lab::advance(b, 32 * step), step > 0);
    lab::wgmmaCommit();
#pragma unroll
    for (int step = 1; step < 4; step += 2) lab::wgmma<__half>(odd, lab::advance(a, 32 * step), lab::advance(b, 32 * step), step > 1);
    lab::wgmmaCommit();
    lab::wgmmaWait<1>(even);
#pragma unroll
    for (int r = 0; r < 32; ++r) total[r] += even[r];
    lab::wgmmaWait<0>(odd);
#pragma unroll
    for (int r = 0; r < 32; ++r) total[r] += odd[r];
  }
#pragma unroll
  for (int r = 0; r < 32; ++r) d[rowOf(r) * 64 + columnOf(r)] = total[r];
}
