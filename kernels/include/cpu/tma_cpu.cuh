#error "tma.cuh has no twin on the CPU device yet"
