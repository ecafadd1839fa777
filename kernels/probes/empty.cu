// Probe: what a launch costs when the kernel does nothing.
//
// Idea: the time of many of these, one after another, is the cost of launching and nothing else.
// Launch: any grid and block.
extern "C" __global__ void empty() {}
