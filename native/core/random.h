// Seeded random fills, the same bits on every device and host.
//
// Value i depends on the seed and on i alone, so a fill can be cut in pieces and spread over threads. Only
// the IEEE basic operations and square root are used, with no contraction to fma (-ffp-contract=off), so that
// every host rounds alike.
#pragma once
#include <cstdint>

#include "backend.h"

namespace lab {

enum class Distribution : uint32_t { kNormal = 0, kUniform = 1, kIntegers = 2 };

// What is wrong with a fill's parameters, or Ok: dtype and distribution known, finite numbers, b > a where
// needed, outlier fraction within 0..1.
Status checkRandom(const FillRandomCmd& spec);

// Writes values first .. first + count - 1 of the fill to `out`, which holds `count` elements of spec.dtype.
// `spec` must have passed checkRandom. threads: 0 = all cores (small fills stay on the caller's thread).
void fillRandom(void* out, uint64_t first, uint64_t count, const FillRandomCmd& spec, int threads = 0);

}  // namespace lab
