// Switching from one CUDA thread's stack to another: callee-saved registers only, no system call.
#pragma once

namespace lab::simt {

// Saves the caller's registers on its stack, leaves its stack pointer in *save and goes on where `resume` left off.
extern "C" void lab_simt_switch(void** save, void* resume);

// Lays out a stack so that the first switch to the answer calls start(argument); start must never return.
void* prepareStack(void* top, void (*start)(void*), void* argument);

}  // namespace lab::simt
