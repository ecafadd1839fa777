// <stdlib.h> for NVRTC, which declares malloc and free by itself.
#pragma once
