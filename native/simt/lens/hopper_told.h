// What events of Hopper's units tell beside their address: the structures that Event::aux points to.
#pragma once
#include <cstdint>
#include <vector>

#include "../bulk_copy.h"
#include "../include/simt_abi_hopper.h"

namespace lab::simt::lens {

struct BulkTold {
  std::vector<GlobalRow> rows;  // of global memory
  uint64_t barrier = 0;         // of kBulkLanded: the mbarrier that is signalled
  std::vector<uint64_t> blocks; // of a multicast: those that it goes to
  bool add = false;             // a store that adds
};

// Of kWgmma: the whole product as it was issued. Of kWgmmaRead: one warp's rows of A, and all of B.
struct WgmmaTold {
  lab_simt::MatrixLayout a, b;
  uint32_t n = 0, firstRow = 0, rows = 0;  // `rows` 0: A is in registers
  bool bfloat16 = false;
};

}  // namespace lab::simt::lens
