#error "the CPU device has no textures (cuda_texture_types.h); read through an ordinary pointer or __ldg"
