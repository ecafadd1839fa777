// Rings of shared-memory stages between producers and consumers, and phases counted over long runs.
#include "cp_async.cuh"
#include "elect.cuh"
#include "named_barrier.cuh"
#include "registers.cuh"
#include "tma.cuh"

constexpr int kStages = 3, kPiece = 64;

// A producer warp loads pieces of 64 floats in order; two consumer warps each take every piece and add its halves.
__global__ void __launch_bounds__(96, 1) ring(const float* x, float* sums, int pieces) {
  __shared__ alignas(128) float stage[kStages][kPiece];
  __shared__ lab::Mbarrier full[kStages], empty[kStages];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  if (threadIdx.x == 0) {
    for (int s = 0; s < kStages; ++s) {
      lab::mbarrierInit(full[s], 1);
      lab::mbarrierInit(empty[s], 2);
    }
    lab::mbarrierInitFence();
  }
  __syncthreads();
  lab::Ring<kStages> at;
  if (warp == 0) {
    if (lab::electOne()) {
      for (int piece = 0; piece < pieces; ++piece, at.next()) {
        lab::mbarrierWait(empty[at.stage], at.parity ^ 1);
        lab::mbarrierArriveExpect(full[at.stage], sizeof stage[0]);
        lab::bulkLoad(stage[at.stage], x + kPiece * piece, sizeof stage[0], full[at.stage]);
      }
    }
  } else {
    float sum = 0;
    for (int piece = 0; piece < pieces; ++piece, at.next()) {
      lab::mbarrierWait(full[at.stage], at.parity);
      sum += (piece + 1) * stage[at.stage][32 * (warp - 1) + lane];
      __syncwarp();
      if (lane == 0) lab::mbarrierArrive(empty[at.stage]);
    }
    sums[threadIdx.x - 32] = sum;
  }
}

// The same with cp.async by all lanes of the producer, whose arrivals follow their copies.
__global__ void __launch_bounds__(64, 1) ring_copies(const float* x, float* sums, int pieces) {
  __shared__ alignas(128) float stage[kStages][kPiece];
  __shared__ lab::Mbarrier full[kStages], empty[kStages];
  const int lane = threadIdx.x % 32;
  if (threadIdx.x == 0) {
    for (int s = 0; s < kStages; ++s) {
      lab::mbarrierInit(full[s], 32);
      lab::mbarrierInit(empty[s], 1);
    }
  }
  __syncthreads();
  lab::Ring<kStages> at;
  if (threadIdx.x < 32) {
    for (int piece = 0; piece < pieces; ++piece, at.next()) {
      lab::mbarrierWait(empty[at.stage], at.parity ^ 1);
      lab::copyAsync<8>(&stage[at.stage][2 * lane], x + kPiece * piece + 2 * lane);
      lab::mbarrierArriveAfterCopies(full[at.stage]);
    }
  } else {
    float sum = 0;
    for (int piece = 0; piece < pieces; ++piece, at.next()) {
      while (!lab::mbarrierTryWait(full[at.stage], at.parity)) {
      }
      sum += (piece + 1) * (stage[at.stage][lane] + stage[at.stage][lane + 32]);
      __syncwarp();
      if (lane == 0) lab::mbarrierArrive(empty[at.stage]);
    }
    sums[lane] = sum;
  }
}

// Every thread arrives once a phase, thread 0 in the name of `extra` more; each phase one thread writes, all read.
__global__ void phases(int* out, int rounds, int extra) {
  __shared__ lab::Mbarrier turn;
  __shared__ int value;
  if (threadIdx.x == 0) lab::mbarrierInit(turn, blockDim.x + extra);
  __syncthreads();
  int sum = 0;
  for (int round = 0; round < rounds; ++round) {
    if (threadIdx.x == round % blockDim.x) value = round;
    lab::mbarrierArrive(turn, threadIdx.x == 0 ? 1 + extra : 1);
    lab::mbarrierWait(turn, round & 1);
    sum += value;
    __syncthreads();
  }
  out[threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.x == 0) lab::mbarrierInvalidate(turn);
}

// Two warpgroups take turns by named barriers: the order in which they write is theirs by turns. Registers move, too.
__global__ void __launch_bounds__(384, 1) turns(int* order, int rounds) {
  __shared__ int written;
  if (threadIdx.x == 0) written = 0;
  __syncthreads();
  const int group = threadIdx.x / 128 - 1;
  if (group < 0) {
    lab::releaseRegisters<24>();
  } else {
    lab::takeRegisters<240>();
    if (group == 1) lab::namedBarrierArrive(1, 256);  // the first turn is group 0's
    for (int round = 0; round < rounds; ++round) {
      lab::namedBarrierSync(1 + group, 256);
      if (threadIdx.x % 128 == 0) order[written++] = group;
      lab::namedBarrierArrive(2 - group, 256);
    }
    if (group == 0) lab::namedBarrierSync(1, 256);  // takes the last hand-over
  }
}
