#error "the CPU device has no texture fetches (texture_fetch_functions.h); read through an ordinary pointer or __ldg"
