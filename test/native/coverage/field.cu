// Covers: traits that name the vector types of a scalar, operators on them, specialised function templates, scalar
// __constant__ values of two types, dynamic shared memory of a dependent type, partial tiles, #pragma unroll N.
template <class Real>
struct Space;
template <>
struct Space<float> {
  using Point = float3;
  using Charge = float4;  // position and charge
};
template <>
struct Space<double> {
  using Point = double3;
  using Charge = double4;
};

__constant__ float coreFloat;  // squared radius within which a charge's field is softened
__constant__ double coreDouble;

template <class Real>
__device__ Real core();
template <>
__device__ float core<float>() { return coreFloat; }
template <>
__device__ double core<double>() { return coreDouble; }

__device__ inline float3 operator-(const float3 &a, const float4 &b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
__device__ inline double3 operator-(const double3 &a, const double4 &b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }

template <class Charge>
__device__ Charge *sharedTile() {
  extern __shared__ double4 storage[];
  return reinterpret_cast<Charge *>(storage);
}

/** At each probe: the field in x, y, z and the potential in w, of `charges` charges taken a block at a time. */
template <class Real>
__global__ void fieldOfCharges(const typename Space<Real>::Charge *__restrict__ sources, int charges,
                               const Real *__restrict__ probes, typename Space<Real>::Charge *field, int count) {
  using Charge = typename Space<Real>::Charge;
  Charge *tile = sharedTile<Charge>();
  const int probe = blockIdx.x * blockDim.x + threadIdx.x;
  typename Space<Real>::Point here{};
  if (probe < count) here = {probes[3 * probe], probes[3 * probe + 1], probes[3 * probe + 2]};
  Charge sum{};
  for (int first = 0; first < charges; first += blockDim.x) {
    const int inTile = min(int(blockDim.x), charges - first);
    if (threadIdx.x < inTile) tile[threadIdx.x] = sources[first + threadIdx.x];
    __syncthreads();
#pragma unroll 4
    for (int s = 0; s < inTile; ++s) {
      const auto away = here - tile[s];
      const Real inverse = rsqrt(away.x * away.x + away.y * away.y + away.z * away.z + core<Real>());
      const Real potential = tile[s].w * inverse, push = potential * inverse * inverse;
      sum.x += push * away.x;
      sum.y += push * away.y;
      sum.z += push * away.z;
      sum.w += potential;
    }
    __syncthreads();
  }
  if (probe < count) field[probe] = sum;
}
