#error "the CPU device has no texture objects (texture_indirect_functions.h); read through an ordinary pointer or __ldg"
