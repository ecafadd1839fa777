// Sparse matrix times vector in CSR form: a thread a row, and a group of threads a row joined by shuffles.
template <typename T>
__global__ void spmv_scalar(int rows, const int *__restrict__ ptr, const int *__restrict__ idx,
                            const T *__restrict__ val, const T *__restrict__ x, T *__restrict__ y) {
  int row = blockDim.x * blockIdx.x + threadIdx.x;
  if (row < rows) {
    T dot = 0;
    for (int j = ptr[row]; j < ptr[row + 1]; j++) dot += val[j] * __ldg(&x[idx[j]]);
    y[row] = dot;
  }
}

template <typename T, int THREADS_PER_VECTOR>
__global__ void spmv_vector(int rows, const int *__restrict__ ptr, const int *__restrict__ idx,
                            const T *__restrict__ val, const T *__restrict__ x, T *__restrict__ y) {
  const int thread = blockDim.x * blockIdx.x + threadIdx.x;
  const int lane = threadIdx.x & (THREADS_PER_VECTOR - 1);
  const int vectors = gridDim.x * blockDim.x / THREADS_PER_VECTOR;
  const int rounds = (rows + vectors - 1) / vectors;
  for (int r = 0, row = thread / THREADS_PER_VECTOR; r < rounds; ++r, row += vectors) {
    T sum = 0;
    if (row < rows) {
      for (int j = ptr[row] + lane; j < ptr[row + 1]; j += THREADS_PER_VECTOR) sum += val[j] * x[idx[j]];
    }
#pragma unroll
    for (int offset = THREADS_PER_VECTOR >> 1; offset > 0; offset >>= 1)
      sum += __shfl_down_sync(0xffffffffu, sum, offset, THREADS_PER_VECTOR);
    if (row < rows && lane == 0) y[row] = sum;
  }
}
