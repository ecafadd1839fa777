// Hopper's units as an instrumented module calls them: the plain ones, with bulk copies and the cluster's barrier told to
// the tracer. What mbarriers order the headers tell (mbarrier_cpu.cuh).
#pragma once
#include "../include/simt_abi_hopper.h"

namespace lab::simt::lens {

const lab_simt::Hopper& tracedHopper();

}  // namespace lab::simt::lens
