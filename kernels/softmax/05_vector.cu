// Softmax, rung 05: the row stays in registers, read and written 16 bytes at a time.
//
// Idea: once a row's elements are held by its threads there is no second read. Each thread loads PACKS vectors
//   before it uses the first (that many bytes in flight hide the memory's latency), takes exp(x - own maximum)
//   once an element, and one joining of (max, sum) pairs gives the single factor its elements still need.
// Changes from 04: 1 read + 1 write, the least there can be: 2/3 of the traffic, 1.5x where memory is the limit.
//   One exponential an element instead of two; one barrier a row, none when a warp holds the row; streaming
//   hints, since nothing is read twice.
// Launch: grid ceil(rows / ROWS), block (THREADS, ROWS): THREADS threads, 32 or a multiple, hold a row.
//   Needs cols <= THREADS * PACKS * WIDTH, and cols a multiple of WIDTH with x and y 16-byte aligned
//   (WIDTH elements are one load: 16 bytes at best; WIDTH = 1 takes any row).
#include <cuda_bf16.h>
#include <cuda_fp16.h>

template <typename T, int WIDTH>
struct alignas(sizeof(T) * WIDTH) Pack {
  T value[WIDTH];
};

// 16-byte packs go around the caches (read once, written once); narrower ones the ordinary way.
template <typename T, int WIDTH>
__device__ Pack<T, WIDTH> loadPack(const T* from) {
  Pack<T, WIDTH> pack;
  if constexpr (sizeof(pack) == 16) {
    const uint4 bits = __ldcs(reinterpret_cast<const uint4*>(from));
    memcpy(&pack, &bits, 16);
  } else {
    pack = *reinterpret_cast<const Pack<T, WIDTH>*>(from);
  }
  return pack;
}

template <typename T, int WIDTH>
__device__ void storePack(T* to, const Pack<T, WIDTH>& pack) {
  if constexpr (sizeof(pack) == 16) {
    uint4 bits;
    memcpy(&bits, &pack, 16);
    __stcs(reinterpret_cast<uint4*>(to), bits);
  } else {
    *reinterpret_cast<Pack<T, WIDTH>*>(to) = pack;
  }
}

// exp(x) as the hardware takes it, in base 2. Subtract first, scale then: the other way round (one multiply-add)
// a maximum of 1000 would already cost 1e-4 of every result.
__device__ float exponential(float x) { return exp2f(x * 1.4426950408889634f); }

// Joins the pair (otherMaximum, otherSum) into (maximum, sum).
__device__ void joinPair(float& maximum, float& sum, float otherMaximum, float otherSum) {
  const float larger = fmaxf(maximum, otherMaximum);
  sum = sum * exponential(maximum - larger) + otherSum * exponential(otherMaximum - larger);
  maximum = larger;
}

template <typename T, int WIDTH, int THREADS, int PACKS, int ROWS>
__global__ void __launch_bounds__(THREADS* ROWS) softmax_05_vector(const T* x, T* y, int rows, int cols) {
  constexpr float kLowest = -3.402823466e38f;
  const int row = blockIdx.x * ROWS + threadIdx.y;
  const bool live = row < rows;
  const int packs = live ? cols / WIDTH : 0;  // an idle row still meets the barrier below
  x += size_t(row) * cols;
  y += size_t(row) * cols;

  Pack<T, WIDTH> loaded[PACKS];
#pragma unroll
  for (int p = 0; p < PACKS; ++p) {
    const int index = p * THREADS + threadIdx.x;
    if (index < packs) loaded[p] = loadPack<T, WIDTH>(x + size_t(index) * WIDTH);
  }

  float value[PACKS][WIDTH], maximum = kLowest, sum = 0.0f;
#pragma unroll
  for (int p = 0; p < PACKS; ++p) {
    const bool held = p * THREADS + int(threadIdx.x) < packs;
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) {
      value[p][i] = held ? float(loaded[p].value[i]) : kLowest;
      maximum = fmaxf(maximum, value[p][i]);
    }
  }
#pragma unroll
  for (int p = 0; p < PACKS; ++p) {
    const bool held = p * THREADS + int(threadIdx.x) < packs;
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) {
      value[p][i] = held ? exponential(value[p][i] - maximum) : 0.0f;
      sum += value[p][i];
    }
  }

  float rowMaximum = maximum;
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2)
    joinPair(rowMaximum, sum, __shfl_xor_sync(0xffffffffu, rowMaximum, offset),
             __shfl_xor_sync(0xffffffffu, sum, offset));
  if constexpr (THREADS > 32) {
    constexpr int kWarps = THREADS / 32;
    __shared__ float2 shared[ROWS][kWarps];
    if (threadIdx.x % 32 == 0) shared[threadIdx.y][threadIdx.x / 32] = make_float2(rowMaximum, sum);
    __syncthreads();
    rowMaximum = kLowest;
    sum = 0.0f;
#pragma unroll
    for (int w = 0; w < kWarps; ++w)
      joinPair(rowMaximum, sum, shared[threadIdx.y][w].x, shared[threadIdx.y][w].y);
  }

  const float scale = exponential(maximum - rowMaximum) / sum;
#pragma unroll
  for (int p = 0; p < PACKS; ++p) {
    const int index = p * THREADS + threadIdx.x;
    if (index >= packs) continue;
    Pack<T, WIDTH> out;
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) out.value[i] = T(value[p][i] * scale);
    storePack<T, WIDTH>(y + size_t(index) * WIDTH, out);
  }
}
