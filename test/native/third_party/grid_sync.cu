// Conjugate gradients in one cooperative launch: SpMV, dot products and updates between grid barriers.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;

__device__ void gpuSpMV(int *I, int *J, float *val, int num_rows, float alpha, float *inputVecX, float *outputVecY,
                        const cg::grid_group &grid) {
  for (int i = grid.thread_rank(); i < num_rows; i += grid.size()) {
    float output = 0.0f;
    for (int j = I[i]; j < I[i + 1]; j++) output += alpha * val[j] * inputVecX[J[j]];
    outputVecY[i] = output;
  }
}

__device__ void gpuDotProduct(float *vecA, float *vecB, double *result, int size, const cg::thread_block &cta,
                              const cg::grid_group &grid) {
  extern __shared__ double tmp[];
  double temp_sum = 0.0;
  for (int i = grid.thread_rank(); i < size; i += grid.size()) temp_sum += (double)(vecA[i] * vecB[i]);
  cg::thread_block_tile<32> tile32 = cg::tiled_partition<32>(cta);
  temp_sum = cg::reduce(tile32, temp_sum, cg::plus<double>());
  if (tile32.thread_rank() == 0) tmp[tile32.meta_group_rank()] = temp_sum;
  cg::sync(cta);
  if (tile32.meta_group_rank() == 0) {
    temp_sum = tile32.thread_rank() < tile32.meta_group_size() ? tmp[tile32.thread_rank()] : 0.0;
    temp_sum = cg::reduce(tile32, temp_sum, cg::plus<double>());
    if (tile32.thread_rank() == 0) atomicAdd(result, temp_sum);
  }
}

__device__ void gpuSaxpy(float *x, float *y, float a, int size, const cg::grid_group &grid) {
  for (int i = grid.thread_rank(); i < size; i += grid.size()) y[i] = a * x[i] + y[i];
}
__device__ void gpuScaleVectorAndSaxpy(const float *x, float *y, float a, float scale, int size,
                                       const cg::grid_group &grid) {
  for (int i = grid.thread_rank(); i < size; i += grid.size()) y[i] = a * x[i] + scale * y[i];
}

extern "C" __global__ void gpuConjugateGradient(int *I, int *J, float *val, float *x, float *Ax, float *p, float *r,
                                                double *dot_result, int N, float tol, int maxIterations) {
  cg::thread_block cta = cg::this_thread_block();
  cg::grid_group grid = cg::this_grid();
  float alpham1 = -1.0f;
  float r0 = 0.0f, r1, b, a, na;
  for (int i = grid.thread_rank(); i < N; i += grid.size()) x[i] = 0.0f;
  cg::sync(grid);
  gpuSpMV(I, J, val, N, 1.0f, x, Ax, grid);
  cg::sync(grid);
  gpuSaxpy(Ax, r, alpham1, N, grid);
  cg::sync(grid);
  gpuDotProduct(r, r, dot_result, N, cta, grid);
  cg::sync(grid);
  r1 = *dot_result;
  int k = 1;
  while (r1 > tol * tol && k <= maxIterations) {
    if (k > 1) {
      b = r1 / r0;
      gpuScaleVectorAndSaxpy(r, p, 1.0f, b, N, grid);
    } else {
      for (int i = grid.thread_rank(); i < N; i += grid.size()) p[i] = r[i];
    }
    cg::sync(grid);
    gpuSpMV(I, J, val, N, 1.0f, p, Ax, grid);
    if (threadIdx.x == 0 && blockIdx.x == 0) *dot_result = 0.0;
    cg::sync(grid);
    gpuDotProduct(p, Ax, dot_result, N, cta, grid);
    cg::sync(grid);
    a = r1 / *dot_result;
    gpuSaxpy(p, x, a, N, grid);
    na = -a;
    gpuSaxpy(Ax, r, na, N, grid);
    r0 = r1;
    cg::sync(grid);
    if (threadIdx.x == 0 && blockIdx.x == 0) *dot_result = 0.0;
    cg::sync(grid);
    gpuDotProduct(r, r, dot_result, N, cta, grid);
    cg::sync(grid);
    r1 = *dot_result;
    k++;
  }
}
