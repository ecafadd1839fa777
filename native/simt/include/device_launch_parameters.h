/// CUDA's header of this name, as device code needs it: threadIdx and its kin are always there.
#pragma once

#include "simt_library.h"
