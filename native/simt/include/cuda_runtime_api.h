/// CUDA's header of this name, as device code needs it: nothing of the host's API is here.
#pragma once

#include "simt_library.h"
