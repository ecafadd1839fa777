/// CUDA's header of the cp.async primitives.
#pragma once

#include "cuda_pipeline_primitives.h"
