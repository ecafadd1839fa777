// Covers: extern shared memory of several types behind one templated accessor, functors as template
// arguments, a switch over a template's block size, a volatile tail with __syncwarp, __shared__ in a
// template, __threadfence with a ticket by which the last block finishes.

/** The block's dynamic shared memory, seen as elements of T. */
template <class T>
struct Pool {
  static __device__ T *view() {
    extern __shared__ __align__(16) unsigned char bytes[];
    return reinterpret_cast<T *>(bytes);
  }
};

struct Sum {
  template <class T>
  static __device__ T neutral() { return T(0); }
  template <class T>
  __device__ T operator()(T left, T right) const { return left + right; }
};

struct Highest {
  template <class T>
  static __device__ T neutral() { return T(-1000000); }
  template <class T>
  __device__ T operator()(T left, T right) const { return left < right ? right : left; }
};

template <class T, class Op>
__device__ void foldOnto(T *cells, int width, Op op) {
  if (threadIdx.x < width) cells[threadIdx.x] = op(cells[threadIdx.x], cells[threadIdx.x + width]);
  __syncthreads();
}

/** Folds what the block's threads bring; the result is whole in thread 0 only. */
template <int THREADS, class T, class Op>
__device__ T foldBlock(T mine, Op op) {
  static_assert(THREADS >= 64 && (THREADS & (THREADS - 1)) == 0, "a power of two, from two warps on");
  T *cells = Pool<T>::view();
  cells[threadIdx.x] = mine;
  __syncthreads();
  switch (THREADS) {
    case 512: foldOnto(cells, 256, op);  // and on through every narrower width
    case 256: foldOnto(cells, 128, op);
    case 128: foldOnto(cells, 64, op);
    default: foldOnto(cells, 32, op);
  }
  if (threadIdx.x < 32) {
    volatile T *lane = cells + threadIdx.x;
    for (int reach = 16; reach; reach /= 2) {
      T partner = threadIdx.x < reach ? lane[reach] : Op::template neutral<T>();
      __syncwarp();
      *lane = op(T(*lane), partner);
      __syncwarp();
    }
  }
  // The other warps have left the cells to the first one.
  return threadIdx.x < 32 ? T(cells[0]) : mine;
}

/** A block a row: out[row] = x[row][0] op x[row][1] op ... */
template <class T, class Op, int THREADS>
__global__ void foldRows(const T *x, T *out, int columns) {
  const T *row = x + size_t(blockIdx.x) * columns;
  T mine = Op::template neutral<T>();
  for (int c = threadIdx.x; c < columns; c += THREADS) mine = Op()(mine, row[c]);
  mine = foldBlock<THREADS>(mine, Op());
  if (threadIdx.x == 0) out[blockIdx.x] = mine;
}

__device__ unsigned int arrivals;  // atomicInc wraps it to zero, so that launches need no reset

/** The Euclidean length of x in one launch: `parts` holds a number a block. */
template <int THREADS>
__global__ void vectorLength(const float *x, int n, float *parts, float *length) {
  __shared__ bool finishing;
  float squares = 0;
  for (int i = blockIdx.x * THREADS + threadIdx.x; i < n; i += gridDim.x * THREADS) squares += x[i] * x[i];
  squares = foldBlock<THREADS>(squares, Sum());
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = squares;
    __threadfence();
    finishing = atomicInc(&arrivals, gridDim.x - 1) + 1 == gridDim.x;
  }
  __syncthreads();
  if (!finishing) return;
  const volatile float *published = parts;
  squares = 0;
  for (int block = threadIdx.x; block < gridDim.x; block += THREADS) squares += published[block];
  squares = foldBlock<THREADS>(squares, Sum());
  if (threadIdx.x == 0) *length = sqrtf(squares);
}
