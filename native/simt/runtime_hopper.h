// The table of functions behind Hopper's units.
#pragma once
#include "include/simt_abi_hopper.h"

namespace lab::simt {

const lab_simt::Hopper& hopperTable();

}  // namespace lab::simt
