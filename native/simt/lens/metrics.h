// The observer that counts: what every instruction of the kernel asked of memory, and how its warps split.
#pragma once
#include <memory>

#include "events.h"

namespace lab::simt::lens {

std::unique_ptr<Observer> makeMetrics(const ObserverOptions& options);

}  // namespace lab::simt::lens
