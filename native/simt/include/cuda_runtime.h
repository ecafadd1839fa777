/// CUDA's header of this name, as device code needs it: the runtime API's types that device code names.
#pragma once

#include "cuda_runtime_api.h"
