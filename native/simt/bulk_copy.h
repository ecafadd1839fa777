// What TMA does once a copy is due: a box of a tensor, or plain bytes, between global and shared memory.
#pragma once
#include <cstdint>
#include <vector>

#include "include/simt_abi_hopper.h"

namespace lab::simt {

// Bytes of shared memory that a copy fills or reads, elements outside the tensor included.
uint32_t copyBytes(const lab_simt::BulkCopy& copy);
// Ends the device with a fault that names what is wrong with a copy as it is issued.
void checkCopy(const lab_simt::BulkCopy& copy, bool store);

// The stretches of global memory that a copy touches, a row of its box each; elements outside the tensor are none of them.
struct GlobalRow {
  uint8_t* at;
  uint32_t bytes;
};
std::vector<GlobalRow> globalRows(const lab_simt::BulkCopy& copy);

// `shared` is where copy.shared lies. Tiles are swizzled by the address bits, elements outside the tensor filled.
void performLoad(const lab_simt::BulkCopy& copy, uint8_t* shared);
// Elements outside the tensor are left out.
void performStore(const lab_simt::BulkCopy& copy, const uint8_t* shared);

}  // namespace lab::simt
