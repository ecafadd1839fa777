// Covers: barriers of the whole grid (cg::sync and grid.sync), groups passed by reference, dynamic shared memory
// of doubles in a helper, atomicAdd of double, a loop that every block leaves at the same step.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;

/** Adds every thread's share to *total, with one atomic a block. */
__device__ void contribute(double share, double *total, const cg::thread_block &block) {
  extern __shared__ double perWarp[];
  auto warp = cg::tiled_partition<32>(block);
  share = cg::reduce(warp, share, cg::plus<double>());
  if (warp.thread_rank() == 0) perWarp[warp.meta_group_rank()] = share;
  block.sync();
  if (block.thread_rank() == 0) {
    for (unsigned int w = 1; w < warp.meta_group_size(); ++w) share += perWarp[w];
    atomicAdd(total, share);
  }
}

/** image = matrix vector, a warp a row. Returns the lane's part of the image's squared length. */
__device__ double apply(const float *matrix, const float *vector, float *image, int n, const cg::grid_group &grid) {
  double squares = 0;
  const int lane = grid.thread_rank() % 32;
  for (int row = grid.thread_rank() / 32; row < n; row += grid.size() / 32) {
    float dot = 0;
    for (int c = lane; c < n; c += 32) dot += matrix[row * n + c] * vector[c];
    for (int mask = 1; mask < 32; mask <<= 1) dot += __shfl_xor_sync(~0u, dot, mask);
    if (lane == 0) image[row] = dot, squares += (double)dot * dot;
  }
  return squares;
}

/**
 * Power iteration in one launch. `vector` starts as any guess and becomes the eigenvector of unit length;
 * lengths[3] starts as zeros and takes turns as the sum of this step, of the last one and of the next one.
 */
extern "C" __global__ void largestEigenvalue(const float *matrix, float *vector, float *image, double *lengths,
                                             float *value, int *steps, int n, float tolerance, int limit) {
  const cg::grid_group grid = cg::this_grid();
  const cg::thread_block block = cg::this_thread_block();
  double before = 0, length = 0;
  int step = 0;
  do {
    before = length;
    contribute(apply(matrix, vector, image, n, grid), &lengths[step % 3], block);
    cg::sync(grid);
    length = sqrt(lengths[step % 3]);
    if (grid.thread_rank() == 0) lengths[(step + 2) % 3] = 0;
    for (int i = grid.thread_rank(); i < n; i += grid.size()) vector[i] = image[i] / (float)length;
    grid.sync();
  } while (++step < limit && fabs(length - before) > tolerance * length);
  if (grid.thread_rank() == 0) *value = length, *steps = step;
}
