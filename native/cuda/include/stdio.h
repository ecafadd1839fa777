// <stdio.h> for NVRTC, which declares printf by itself.
#pragma once
