// Hopper's units as an instrumented module calls them: the plain ones, with what they do told to the tracer.
//
// An mbarrier's arrival is known to whoever waits for the phase that it belongs to, or a later one; what TMA brings to it
// likewise. The functions below are called by the units where an effect takes place, on the thread that brought it about.
#pragma once
#include "../include/simt_abi_hopper.h"

namespace lab::simt::lens {

const lab_simt::Hopper& tracedHopper();

// A load has landed at `tile`, for the mbarrier at `barrier`; a store has been done.
void tellBulkLanded(const lab_simt::BulkCopy& copy, const void* tile, const void* barrier);
void tellBulkStored(const lab_simt::BulkCopy& copy);
// Thread `rank` arrives at an mbarrier; its phase ends.
void tellArrival(uint32_t rank, const void* barrier);
void tellPhaseEnd(const void* barrier);
// A warp's share of a product reads its operands.
void tellWgmmaRead(uint32_t rank, const lab_simt::WgmmaWork& work);

}  // namespace lab::simt::lens
