// <stddef.h> for NVRTC, which declares size_t by itself.
#pragma once
