// A radix-2 FFT of one block: bit reversal, butterflies on float2 in shared memory, sincosf twiddles.
#define PI_F 3.14159265358979f

__device__ __host__ inline float2 operator+(const float2 &a, const float2 &b) { return make_float2(a.x + b.x, a.y + b.y); }
__device__ __host__ inline float2 operator-(const float2 &a, const float2 &b) { return make_float2(a.x - b.x, a.y - b.y); }
__device__ __host__ inline float2 operator*(const float2 &a, const float2 &b) {
  return make_float2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

// n / 2 threads; n float2 of dynamic shared memory; sign -1 forward, +1 backward (unscaled).
extern "C" __global__ void fft_radix2(const float2 *in, float2 *out, int log2n, float sign) {
  extern __shared__ float2 s[];
  const int n = 1 << log2n, t = threadIdx.x;
  in += blockIdx.x * n;
  out += blockIdx.x * n;
  for (int i = t; i < n; i += blockDim.x) s[__brev((unsigned)i) >> (32 - log2n)] = in[i];
  for (int half = 1; half < n; half *= 2) {
    __syncthreads();
    const int k = t & (half - 1), a = 2 * (t - k) + k, b = a + half;
    float sine, cosine;
    sincosf(sign * PI_F * k / half, &sine, &cosine);
    const float2 even = s[a], odd = s[b] * make_float2(cosine, sine);
    s[a] = even + odd;
    s[b] = even - odd;
  }
  __syncthreads();
  for (int i = t; i < n; i += blockDim.x) out[i] = s[i];
}
