/// What every CUDA translation unit has without an include: vector types, mathematics, intrinsics, cache hints.
#pragma once

#include "math_constants.h"
#include "math_functions.h"
#include "simt_cache_hints.h"
#include "simt_casts.h"
#include "simt_dpx.h"
#include "simt_integer.h"
#include "simt_lanes.h"
#include "simt_rounding.h"
#include "vector_functions.h"
#include "vector_types.h"
