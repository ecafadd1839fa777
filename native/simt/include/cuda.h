/// The driver API's types that device code names.
#pragma once

#include <stdint.h>

/// A tensor map as a kernel receives it: 128 opaque bytes, passed as a `const __grid_constant__` parameter.
struct alignas(64) CUtensorMap_st {
  uint64_t opaque[16];
};
typedef CUtensorMap_st CUtensorMap;
