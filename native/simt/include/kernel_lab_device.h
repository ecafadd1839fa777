/// What every .cu file has before its first line when the CPU device compiles it; forced in by the compiler driver.
#pragma once

// The host's headers come first: CUDA's qualifiers below are macros, and <cstdio> would take our printf away again.
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

#include "simt_api.h"
#include "simt_atomics.h"
#include "simt_atomics_wide.h"
#include "simt_builtins.h"
#include "simt_cluster.h"
#include "simt_heap.h"
#include "simt_hopper.h"
#include "simt_identity.h"
#include "simt_lens.h"
#include "simt_library.h"
#include "simt_module.h"
#include "simt_qualifiers.h"
#ifdef __KERNEL_LAB_STEPS__
#include "simt_steps.h"
#endif
#include "simt_sync.h"

#include "assert.h"
