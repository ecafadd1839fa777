// <stdint.h> for NVRTC, which has no standard headers: libcu++ declares the types and limits in the global namespace.
#pragma once
#include <cuda/std/cstdint>
