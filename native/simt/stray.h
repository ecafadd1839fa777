// What runs on after a launch has ended: a thread that a kernel started behind the device's back.
#pragma once

namespace lab::simt {

// Seconds for which other threads of this process ran, or wanted to, while this one slept a millisecond.
double strayWork();

}  // namespace lab::simt
