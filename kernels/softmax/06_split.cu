// Softmax, rung 06: a very long row, split over blocks.
//
// Idea: with few rows, a block a row leaves most of the GPU idle (8 rows keep 8 of 132 multiprocessors busy).
//   The pairs (max, sum) join in any order, so that a row can be cut into pieces: one kernel leaves a pair a
//   piece, the second joins the row's pairs (a few, from cache) and writes its piece.
// Changes from 05: rows of any length and every multiprocessor busy, for 2 reads + 1 write, like 04. The second
//   read comes from L2 when the matrix fits there (50 MB on an H200). Wins where rows < multiprocessors.
// Launch: both kernels grid (rows, splits), block a multiple of 32, <= 1024; pairs holds rows x splits float2,
//   splits <= 1024. First softmax_06_split_partial, then softmax_06_split_combine.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

__device__ float2 join(float2 a, float2 b) {
  const float maximum = fmaxf(a.x, b.x);
  return make_float2(maximum, a.y * expf(a.x - maximum) + b.y * expf(b.x - maximum));
}

// Every thread of the block gets the joined pair. Ends with a barrier passed, `shared` still being read.
__device__ float2 blockJoin(float2 value, float2* shared) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  for (int offset = 16; offset > 0; offset /= 2)
    value = join(value, make_float2(__shfl_xor_sync(0xffffffffu, value.x, offset),
                                    __shfl_xor_sync(0xffffffffu, value.y, offset)));
  if (lane == 0) shared[warp] = value;
  __syncthreads();
  value = shared[0];
  for (int w = 1; w < warps; ++w) value = join(value, shared[w]);
  return value;
}

template <typename T>
__global__ void softmax_06_split_partial(const T* x, float2* pairs, int rows, int cols) {
  __shared__ float2 shared[32];
  const int piece = (cols + gridDim.y - 1) / gridDim.y;
  const int begin = blockIdx.y * piece, end = min(cols, begin + piece);
  x += size_t(blockIdx.x) * cols;

  float maximum = -3.402823466e38f, sum = 0.0f;
  for (int i = begin + threadIdx.x; i < end; i += blockDim.x) {
    const float value = float(x[i]);
    if (value > maximum) {
      sum = sum * expf(maximum - value) + 1.0f;
      maximum = value;
    } else {
      sum += expf(value - maximum);
    }
  }
  const float2 joined = blockJoin(make_float2(maximum, sum), shared);
  if (threadIdx.x == 0) pairs[size_t(blockIdx.x) * gridDim.y + blockIdx.y] = joined;
}

template <typename T>
__global__ void softmax_06_split_combine(const T* x, const float2* pairs, T* y, int rows, int cols) {
  __shared__ float2 shared[32];
  float2 row = make_float2(-3.402823466e38f, 0.0f);
  for (int p = threadIdx.x; p < int(gridDim.y); p += blockDim.x)
    row = join(row, pairs[size_t(blockIdx.x) * gridDim.y + p]);
  row = blockJoin(row, shared);

  const int piece = (cols + gridDim.y - 1) / gridDim.y;
  const int begin = blockIdx.y * piece, end = min(cols, begin + piece);
  x += size_t(blockIdx.x) * cols;
  y += size_t(blockIdx.x) * cols;
  const float scale = 1.0f / row.y;
  for (int i = begin + threadIdx.x; i < end; i += blockDim.x) y[i] = T(expf(float(x[i]) - row.x) * scale);
}
