"""The softmax of cpuFigures.ts in Numba's CUDA simulator: the same kernel line by line, at a size it can finish.

Prints one JSON object: version, rows, cols, secondsPerElement.
"""

import json
import math
import os
import time

os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

import numba  # noqa: E402
import numpy as np  # noqa: E402
from numba import cuda, float32  # noqa: E402


@cuda.jit
def softmax(x, y, cols):
    partial = cuda.shared.array(256, float32)
    t = cuda.threadIdx.x
    row = cuda.blockIdx.x
    m = float32(-3.402823466e38)
    for i in range(t, cols, 256):
        m = max(m, x[row, i])
    partial[t] = m
    cuda.syncthreads()
    s = 128
    while s > 0:
        if t < s:
            partial[t] = max(partial[t], partial[t + s])
        cuda.syncthreads()
        s //= 2
    m = partial[0]
    cuda.syncthreads()
    total = float32(0)
    for i in range(t, cols, 256):
        total += math.exp(x[row, i] - m)
    partial[t] = total
    cuda.syncthreads()
    s = 128
    while s > 0:
        if t < s:
            partial[t] += partial[t + s]
        cuda.syncthreads()
        s //= 2
    total = partial[0]
    for i in range(t, cols, 256):
        y[row, i] = math.exp(x[row, i] - m) / total


def main():
    rows, cols = 1, 4096
    x = np.random.default_rng(1).standard_normal((rows, cols)).astype(np.float32)
    y = np.zeros_like(x)
    softmax[1, 256](x, y, 256)  # warm-up
    times = []
    for _ in range(3):
        start = time.perf_counter()
        softmax[rows, 256](x, y, cols)
        times.append(time.perf_counter() - start)
    assert abs(y.sum() - rows) < 1e-3, "the simulator's output is wrong"
    print(json.dumps({"version": numba.__version__, "rows": rows, "cols": cols,
                      "secondsPerElement": sorted(times)[1] / (rows * cols)}))


if __name__ == "__main__":
    main()
