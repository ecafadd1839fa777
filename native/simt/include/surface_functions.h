#error "the CPU device has no surfaces (surface_functions.h); write through an ordinary pointer"
