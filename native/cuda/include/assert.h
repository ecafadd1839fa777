// <assert.h> for NVRTC, which declares assert by itself.
#pragma once
