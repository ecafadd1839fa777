// The recording of a stepped launch as JSON, the "raw steps" that lib/src/lens/steps.ts reads.
#pragma once
#include <string>
#include <vector>

#include "steps.h"

namespace lab::simt::lens {

struct StepBlock {
  uint64_t block;
  std::vector<StepThread> threads;
};

struct StepRecording {
  LaunchFacts facts;
  std::vector<StepVariable> locals, shared;
  std::vector<StepBlock> blocks;
  bool tooLarge = false;
};

// {
//   tooLarge, allocations: [{base, bytes, name}], locals: [variable], shared: [variable],
//   blocks: [{block, warps: [[step]]}]
// }
// variable: {name, type, key, elementBytes, extents}
// step:     [key, phase, mask, count, flags, [request], [change]]
// request:  [kind, target, bytes, mask, offset, stride, values, order] with kind 0 load, 1 store, 2 atomic; target the index
//           of an allocation, or -1 - the index of a shared variable; offset in bytes of the lowest lane and stride from
//           lane to lane, or a list of offsets and 0; values only of stores and atomics to shared memory, lane by lane; of atomics in which order they were done
// change:   [local, element, mask, value or a list of values lane by lane; null: gone]
std::string stepsJson(StepRecording& recording);

}  // namespace lab::simt::lens
