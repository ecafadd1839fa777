/// CUDA's header of this name: what it declares is always there on the CPU device.
#pragma once

#include "simt_library.h"
