// A timing request as JavaScript writes it, and its result, as lib/src/backend/contract.ts describes them.
#pragma once
#include <napi.h>

#include "timing.h"

namespace lab {

// An absent or mistyped field has its default; runTiming refuses what cannot be run.
TimingRequest readTiming(const Napi::Object& from);
Napi::Object toJs(Napi::Env env, const TimingResult& result);

}  // namespace lab
