// Estimates pi: an LCG a thread, float3-free arithmetic, a block reduction with cooperative groups.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;

class Lcg {
 public:
  __device__ explicit Lcg(unsigned int seed) : state(seed) {}
  __device__ unsigned int next() { return state = state * 1664525u + 1013904223u; }
  __device__ float uniform() { return (next() >> 8) * (1.0f / 16777216.0f); }

 private:
  unsigned int state;
};

__global__ void __launch_bounds__(256) estimatePi(unsigned long long *hits, int samples) {
  __shared__ unsigned int partial[32];
  cg::thread_block block = cg::this_thread_block();
  cg::thread_block_tile<32> warp = cg::tiled_partition<32>(block);
  Lcg random(blockIdx.x * blockDim.x + threadIdx.x + 1u);
  unsigned int inside = 0;
  for (int i = 0; i < samples; ++i) {
    float x = random.uniform(), y = random.uniform();
    if (x * x + y * y <= 1.0f) ++inside;
  }
  inside = cg::reduce(warp, inside, cg::plus<unsigned int>());
  if (warp.thread_rank() == 0) partial[warp.meta_group_rank()] = inside;
  block.sync();
  if (warp.meta_group_rank() == 0) {
    unsigned int v = warp.thread_rank() < warp.meta_group_size() ? partial[warp.thread_rank()] : 0;
    v = cg::reduce(warp, v, cg::plus<unsigned int>());
    if (warp.thread_rank() == 0) atomicAdd(hits, (unsigned long long)v);
  }
}
