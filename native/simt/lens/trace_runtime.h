// The table of functions that an instrumented module calls: the plain one's, with every meeting told to the tracer.
#pragma once
#include "../include/simt_abi.h"

namespace lab::simt::lens {

const lab_simt::Runtime& tracedRuntime();

}  // namespace lab::simt::lens
