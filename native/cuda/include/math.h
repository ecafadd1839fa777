// <math.h> for NVRTC, which declares the mathematical functions by itself.
#pragma once
