// Covers: wmma over half, signed bytes and tf32 from one template, one matrix read as row_major and as col_major,
// fragments filled from padded shared memory, arithmetic on fragment elements, stores by rows and by columns.
#include <cuda_fp16.h>
#include <mma.h>
#include <type_traits>
using namespace nvcuda;

/** What a stored element type is to the tensor cores. */
template <class T>
struct Operand {
  using Kind = T;
  using Total = float;
  static constexpr int depth = 16;
};
template <>
struct Operand<signed char> {
  using Kind = signed char;
  using Total = int;
  static constexpr int depth = 16;
};
template <>
struct Operand<float> {
  using Kind = wmma::precision::tf32;
  using Total = float;
  static constexpr int depth = 8;
};

template <class Fragment>
__device__ void narrow(Fragment &fragment) {
#pragma unroll
  for (int i = 0; i < fragment.num_elements; ++i) fragment.x[i] = wmma::__float_to_tf32(fragment.x[i]);
}

/**
 * gram = factor x x^T for n rows of x. A block is one warp and one 16 x 16 tile of the upper triangle, which it
 * also stores, by columns, as the tile below the diagonal.
 */
template <class T>
__global__ void gramTiles(const T *x, typename Operand<T>::Total *gram, int n, int width, int factor) {
  using O = Operand<T>;
  constexpr int depth = O::depth, pitch = depth + 16 / sizeof(T);
  if (blockIdx.x < blockIdx.y) return;
  __shared__ __align__(32) T above[16 * pitch], beside[16 * pitch];
  wmma::fragment<wmma::matrix_a, 16, 16, depth, typename O::Kind, wmma::row_major> rows;
  wmma::fragment<wmma::matrix_b, 16, 16, depth, typename O::Kind, wmma::col_major> columns;
  wmma::fragment<wmma::accumulator, 16, 16, depth, typename O::Total> total;
  wmma::fill_fragment(total, 0);
  for (int start = 0; start < width; start += depth) {
    for (int i = threadIdx.x; i < 16 * depth; i += warpSize) {
      const int r = i / depth, d = i % depth;
      beside[r * pitch + d] = x[(blockIdx.y * 16 + r) * width + start + d];
      above[r * pitch + d] = x[(blockIdx.x * 16 + r) * width + start + d];
    }
    __syncwarp();
    wmma::load_matrix_sync(rows, beside, pitch);
    wmma::load_matrix_sync(columns, above, pitch);
    if constexpr (std::is_same<T, float>::value) {
      narrow(rows);
      narrow(columns);
    }
    wmma::mma_sync(total, rows, columns, total);
    __syncwarp();
  }
  for (auto &element : total.x) element *= factor;
  wmma::store_matrix_sync(gram + blockIdx.y * 16 * n + blockIdx.x * 16, total, n, wmma::mem_row_major);
  if (blockIdx.x != blockIdx.y)
    wmma::store_matrix_sync(gram + blockIdx.x * 16 * n + blockIdx.y * 16, total, n, wmma::mem_col_major);
}
