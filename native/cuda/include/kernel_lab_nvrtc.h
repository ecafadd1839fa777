// Forced in before every source: what nvcc brings from the host's headers without an include and NVRTC does not.
#pragma once

#include "float.h"
#include "math.h"

// glibc's <sys/types.h>
typedef unsigned int uint;
typedef unsigned short ushort;
typedef unsigned long ulong;
