// What the CPU device says of the machine it runs on.
#pragma once
#include "../core/backend.h"

namespace lab::simt {

DeviceInfo describeHost(int workers, uint64_t memoryLimit);

}  // namespace lab::simt
