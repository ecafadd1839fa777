// What runs on after a launch has ended: a thread that a kernel started behind the device's back.
#pragma once

namespace lab::simt {

// Seconds for which threads that neither the lab nor Node started ran, or wanted to, in a millisecond; 0 at once where
// there are none.
double strayWork();

}  // namespace lab::simt
