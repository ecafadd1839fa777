// Hopper's units as an instrumented module calls them: the plain ones, with what they order told to the tracer.
#pragma once
#include "../include/simt_abi_hopper.h"

namespace lab::simt::lens {

const lab_simt::Hopper& tracedHopper();

}  // namespace lab::simt::lens
