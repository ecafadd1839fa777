// Covers: __ldg, templates over float and double, __shfl_xor_sync of both within part of a warp, lanes without
// a row that still take part in the shuffles.

/** A sparse matrix by its rows: entries starts[row] to starts[row + 1] of columns and weights. */
template <class Real, int LANES>
__global__ void weighRows(const int *__restrict__ starts, const int *__restrict__ columns,
                          const Real *__restrict__ weights, const Real *__restrict__ vector, Real *out, int rows) {
  const int lane = threadIdx.x % LANES, teams = gridDim.x * (blockDim.x / LANES);
  const int team = blockIdx.x * (blockDim.x / LANES) + threadIdx.x / LANES;
  for (int base = 0; base < rows; base += teams) {
    const int row = base + team;
    const bool real = row < rows;
    Real sum = 0;
    for (int e = real ? starts[row] + lane : 0, end = real ? starts[row + 1] : 0; e < end; e += LANES)
      sum += weights[e] * __ldg(vector + columns[e]);
    for (int apart = 1; apart < LANES; apart *= 2) sum += __shfl_xor_sync(0xffffffffu, sum, apart, LANES);
    if (real && lane == LANES - 1) out[row] = sum;
  }
}
