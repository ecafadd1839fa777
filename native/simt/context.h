// Where a CUDA thread stands while another runs, and how it begins.
#pragma once
#include "include/simt_switch.h"

namespace lab::simt {

using lab_simt::Context;
using lab_simt::switchStack;

// A context that, switched to for the first time, calls start(argument) on this stack; start must never return.
Context prepareStack(void* top, void (*start)(void*), void* argument);

}  // namespace lab::simt
