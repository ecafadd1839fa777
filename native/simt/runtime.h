// The table of functions that kernel modules call.
#pragma once
#include "include/simt_abi.h"

namespace lab::simt {

const lab_simt::Runtime& runtimeTable();

}  // namespace lab::simt
