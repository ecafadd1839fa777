// <limits.h> for NVRTC, which has no standard headers: libcu++ defines the limits.
#pragma once
#include <cuda/std/climits>
