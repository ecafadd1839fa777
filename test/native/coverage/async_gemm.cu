// GEMM over several stages of asynchronous copies, by the C primitives and by cuda::pipeline and cuda::barrier.
#include <cooperative_groups.h>
#include <cuda/barrier>
#include <cuda/pipeline>
#include <cuda_pipeline.h>

namespace cg = cooperative_groups;

// C = A B; tiles of TILE x TILE, TILE^2 threads, STAGES tiles in flight. FORGET drops the wait: a wrong result.
template <int TILE, int STAGES, bool FORGET>
__global__ void gemmPrimitives(const float *A, const float *B, float *C, int N, int K) {
  __shared__ __align__(16) float As[STAGES][TILE][TILE];
  __shared__ __align__(16) float Bs[STAGES][TILE][TILE];
  const int tx = threadIdx.x, ty = threadIdx.y;
  const int row = blockIdx.y * TILE + ty, col = blockIdx.x * TILE + tx;
  const int tiles = K / TILE;
  auto fetch = [&](int tile) {
    if (tile < tiles) {
      __pipeline_memcpy_async(&As[tile % STAGES][ty][tx], &A[row * K + tile * TILE + tx], sizeof(float));
      __pipeline_memcpy_async(&Bs[tile % STAGES][ty][tx], &B[(tile * TILE + ty) * N + col], sizeof(float));
    }
    __pipeline_commit();
  };
  for (int s = 0; s < STAGES - 1; ++s) fetch(s);
  float sum = 0;
  for (int tile = 0; tile < tiles; ++tile) {
    fetch(tile + STAGES - 1);
    if (!FORGET) __pipeline_wait_prior(STAGES - 1);
    __syncthreads();
    for (int k = 0; k < TILE; ++k) sum += As[tile % STAGES][ty][k] * Bs[tile % STAGES][k][tx];
    __syncthreads();
  }
  C[row * N + col] = sum;
}

// The same through a pipeline that the whole block shares.
template <int TILE, int STAGES>
__global__ void gemmPipeline(const float *A, const float *B, float *C, int N, int K) {
  __shared__ __align__(16) float As[STAGES][TILE * TILE];
  __shared__ __align__(16) float Bs[STAGES][TILE * TILE];
  __shared__ cuda::pipeline_shared_state<cuda::thread_scope::thread_scope_block, STAGES> shared_state;
  auto block = cg::this_thread_block();
  auto pipeline = cuda::make_pipeline(block, &shared_state);
  const int row0 = blockIdx.y * TILE, col0 = blockIdx.x * TILE, tiles = K / TILE;
  const auto line = cuda::aligned_size_t<16>(TILE * sizeof(float));
  float sum = 0;
  for (int compute = 0, fetch = 0; compute < tiles; ++compute) {
    for (; fetch < tiles && fetch < compute + STAGES; ++fetch) {
      pipeline.producer_acquire();
      for (int r = 0; r < TILE; ++r) {
        cuda::memcpy_async(block, &As[fetch % STAGES][r * TILE], &A[(row0 + r) * K + fetch * TILE], line, pipeline);
        cuda::memcpy_async(block, &Bs[fetch % STAGES][r * TILE], &B[(fetch * TILE + r) * N + col0], line, pipeline);
      }
      pipeline.producer_commit();
    }
    pipeline.consumer_wait();
    const float *a = As[compute % STAGES], *b = Bs[compute % STAGES];
    for (int k = 0; k < TILE; ++k) sum += a[threadIdx.y * TILE + k] * b[k * TILE + threadIdx.x];
    pipeline.consumer_release();
  }
  C[(row0 + threadIdx.y) * N + col0 + threadIdx.x] = sum;
}

// One warp copies and the others add: producers and consumers of one pipeline.
__global__ void producerConsumer(const int *in, int *out, int batches, int batch) {
  extern __shared__ int buffer[];
  constexpr int stages = 2;
  __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, stages> state;
  auto block = cg::this_thread_block();
  const bool produces = block.thread_rank() < 32;
  auto pipe = cuda::make_pipeline(
      block, &state, produces ? cuda::pipeline_role::producer : cuda::pipeline_role::consumer);
  if (produces) {
    for (int b = 0; b < batches; ++b) {
      pipe.producer_acquire();
      for (int i = block.thread_rank(); i < batch; i += 32)
        cuda::memcpy_async(&buffer[b % stages * batch + i], &in[b * batch + i], sizeof(int), pipe);
      pipe.producer_commit();
    }
  } else {
    int sum = 0;
    for (int b = 0; b < batches; ++b) {
      pipe.consumer_wait();
      for (int i = block.thread_rank() - 32; i < batch; i += block.size() - 32) sum += buffer[b % stages * batch + i];
      pipe.consumer_release();
    }
    atomicAdd(out, sum);
  }
}

// A block's copy that completes a phase of a barrier; arrival and wait apart.
__global__ void barrierCopy(const float *in, float *out, int n) {
  extern __shared__ float tile[];
  #pragma nv_diag_suppress static_var_with_dynamic_init
  __shared__ cuda::barrier<cuda::thread_scope_block> bar;
  auto block = cg::this_thread_block();
  if (block.thread_rank() == 0) init(&bar, block.size());
  block.sync();
  for (int start = 0; start < n; start += block.size()) {
    cuda::memcpy_async(block, tile, in + start, sizeof(float) * block.size(), bar);
    cuda::barrier<cuda::thread_scope_block>::arrival_token token = bar.arrive();
    bar.wait(static_cast<decltype(token) &&>(token));
    out[start + block.thread_rank()] = 2.0f * tile[block.size() - 1 - block.thread_rank()];
    bar.arrive_and_wait();
  }
}
