/// CUDA's header of this name: rounding modes as values.
#pragma once

#include "simt_library.h"

enum cudaRoundMode { cudaRoundNearest, cudaRoundZero, cudaRoundPosInf, cudaRoundMinInf };
