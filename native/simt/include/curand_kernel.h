#error "the CPU device has no cuRAND's device generators (curand_kernel.h); use a counter-based generator of your own, such as a few rounds of Philox or an LCG"
