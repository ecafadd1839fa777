import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cudaIncludes } from "kernel-lab/dist/backend/cuda/search";
import { cpu } from "./coverage-support";

const headers = [
  "crt/math_functions.h",
  "crt/device_functions.h",
  "crt/sm_70_rt.h",
  "crt/sm_80_rt.h",
  "crt/sm_90_rt.h",
  "sm_20_intrinsics.h",
  "sm_20_atomic_functions.h",
  "sm_30_intrinsics.h",
  "sm_32_intrinsics.h",
  "sm_32_atomic_functions.h",
  "sm_60_atomic_functions.h",
  "sm_61_intrinsics.h",
  "device_atomic_functions.h",
  "vector_functions.h",
  "cuda_fp16.h",
  "cuda_bf16.h",
  "cuda_fp8.h",
  "cuda_pipeline_primitives.h",
];

/** Names that stand in those headers and are no function a kernel for sm_70 or newer calls. */
const foreign = [
  // the shuffles and votes that Volta took away, and the runtime's own helpers
  /^__(ballot|all|any|shfl|shfl_up|shfl_down|shfl_xor|pm[0-3])$/,
  /^(ballot|all|any|syncthreads_(and|or|count)|__cudaPushCallConfiguration|__u128Atomic\w+|__isnand|__isinfd)$/,
  /^(_[A-Za-z]\w*|__(DOUBLE|FLOAT)_BITS|__\w+_helper|__cmath_power|__nv_\w+_impl|__nv_(is|tex|aligned|static|isurf|associate)\w*|__isfinite[df]?|__signbitd|__internal_\w+)$/,
  // macros here, because they need the place where they stand
  /^__activemask$/,
  // where a constant or a parameter lies: the CPU device has one memory and cannot tell
  /^__(isConstant|isGridConstant|isClusterShared|clusterDimIsSpecified|cluster_map_shared_multicast)$/,
  /^__cvta_(generic_to_grid_constant|grid_constant_to_generic)$/,
];

/** Every function these headers declare for the device. */
function declared(folder: string): string[] {
  const names = new Set<string>();
  for (const header of headers.map((name) => join(folder, name)).filter(existsSync)) {
    const text = readFileSync(header, "utf8")
      .replace(/\/\*[\s\S]*?\*\//g, "")
      .replace(/\/\/.*/g, "")
      .replace(/^\s*#.*$/gm, "");
    const pattern =
      /(?:__device__|_DECL__)[^;{}()]*?\b(\w+)\s*\([^(){};]*\)\s*(?:__THROW|noexcept)?\s*(?:__DEF_IF_HOST|;)/g;
    for (const [, name] of text.matchAll(pattern)) names.add(name!);
  }
  return [...names].filter((name) => !foreign.some((pattern) => pattern.test(name)));
}

test("every function that CUDA's own headers declare for the device exists on the CPU device", async (t) => {
  const folder = cudaIncludes().find((path) => existsSync(join(path, "crt", "math_functions.h")));
  if (!folder) return t.skip("CUDA's headers are not on this machine: npm start brings them with NVRTC");
  const names = declared(folder);
  assert.ok(names.length > 800, `${names.length} names were read`);
  const source = `
    #include <cooperative_groups.h>
    #include <cuda_bf16.h>
    #include <cuda_fp16.h>
    #include <cuda_fp8.h>
    #include <cuda_pipeline_primitives.h>
    namespace every { ${names.map((name) => `using ::${name};`).join("\n")} }
    __global__ void nothing() {}`;
  const dev = await cpu();
  assert.equal((await dev.compile(source)).name, "nothing");
});

test("overloads for float keep a float's accuracy and take its pointers", async () => {
  const dev = await cpu();
  const kernel = await dev.compile(`__global__ void f(float x, float* y) {
    sincos(x, y, y + 1);
    sincospi(x, y + 2, y + 3);
    y[4] = j0(x) + y0(x) + jn(2, x) + yn(2, x) + j1(x) + y1(x);
    y[5] = cyl_bessel_i0(x); y[6] = cyl_bessel_i1(x);
    y[7] = normcdfinv(0.975f); y[8] = erfcinv(x); y[9] = fdivide(1.0f, x);
    const float v[3] = {1.0f, 2.0f, 2.0f};
    const double w[3] = {2.0, 3.0, 6.0};
    y[10] = rnormf(3, v); y[11] = (float)rnorm(3, w);
    static_assert(sizeof(j0(x)) == 4 && sizeof(erfcinv(x)) == 4, "float");
  }`);
  const y = dev.zeros([12]);
  kernel.enqueue({ grid: 1, block: 1 }, 0.75, y);
  // Bessel values at 0.75 by their series; 1.959964 is the normal distribution's 97.5% point.
  const series = (order: number, sign: number) => {
    let term = order ? 0.375 : 1;
    let sum = 0;
    for (let k = 1; k < 30; k++) {
      sum += term;
      term *= (sign * 0.140625) / (k * (k + order));
    }
    return sum;
  };
  const got = [...((await y.read()) as Float32Array)];
  const near = (i: number, expected: number) =>
    assert.ok(
      Math.abs(got[i]! - expected) < 2e-6 * Math.max(1, Math.abs(expected)),
      `${i}: ${got[i]}, ${expected}`,
    );
  near(0, Math.sin(0.75));
  near(1, Math.cos(0.75));
  near(2, Math.SQRT1_2);
  near(3, -Math.SQRT1_2);
  near(5, series(0, 1));
  near(6, series(1, 1));
  near(7, 1.959963985);
  near(9, 4 / 3);
  near(10, 1 / 3);
  near(11, 1 / 7);
  // j0 by its series, the rest by the recurrences that hold between them: Y at 0.75 from tables.
  const [j0, j1] = [series(0, -1), series(1, -1)];
  const [y0, y1] = [-0.137172769385772, -1.03759455076929];
  const two = (zero: number, one: number) => (2 / 0.75) * one - zero;
  near(4, j0 + y0 + two(j0, j1) + two(y0, y1) + j1 + y1);
  // erfc(erfcinv(x)) is x: erfcinv(0.75) = 0.2253120550
  near(8, 0.225312055);
});

const words = [0, 1, 0x7fff, 0x8000, 0xffff, 0x00017fff, 0x7fffffff, 0x80000000, 0x8000ffff, 0xfffe0001];
const triples = words.flatMap((a) => words.flatMap((b) => words.map((c) => [a, b, c] as const)));
type Fold = (a: number, b: number, c: number, sum: (x: number, y: number) => number) => number;
const dpx: Record<string, Fold> = {
  __vimax3: (a, b, c) => Math.max(a, b, c),
  __vimin3: (a, b, c) => Math.min(a, b, c),
  __viaddmax: (a, b, c, sum) => Math.max(sum(a, b), c),
  __viaddmin: (a, b, c, sum) => Math.min(sum(a, b), c),
};

test("DPX: sums wrap, extremes are those of the element, relu ends at zero", async () => {
  const forms = Object.keys(dpx).flatMap((name) =>
    ["s32", "u32", "s32_relu", "s16x2", "u16x2", "s16x2_relu"].map((form) => [name, form] as const),
  );
  const dev = await cpu();
  const kernel = await dev.compile(`__global__ void f(const unsigned* x, unsigned* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    unsigned a = x[3 * i], b = x[3 * i + 1], c = x[3 * i + 2];
    ${forms.map(([name, form], k) => `y[${forms.length + 6} * i + ${k}] = (unsigned)${name}_${form}(a, b, c);`).join("\n")}
    unsigned* o = y + ${forms.length + 6} * i + ${forms.length};
    bool high, low;
    o[0] = (unsigned)__vimax_s32_relu(a, b); o[1] = __vimin_s16x2_relu(a, b); o[2] = __vimax_s16x2_relu(a, b);
    o[3] = __vibmax_s32(a, b, &low) ^ (low ? 1u << 31 : 0);
    o[4] = __vibmin_u16x2(a, b, &high, &low); o[5] = high * 2 + low;
  }`);
  const y = dev.zeros([triples.length, forms.length + 6], { dtype: "u32" });
  kernel.enqueue(
    { grid: Math.ceil(triples.length / 64), block: 64 },
    dev.tensor(Uint32Array.from(triples.flat())),
    y,
    triples.length,
  );
  const got = (await y.read()) as Uint32Array;
  const signed = (v: number) => v | 0;
  const half = (v: number) => (v << 16) >> 16;
  const halves = (a: number, b: number, c: number, f: (...v: number[]) => number) =>
    ((f(a >>> 16, b >>> 16, c >>> 16) << 16) | (f(a & 0xffff, b & 0xffff, c & 0xffff) & 0xffff)) >>> 0;
  const reference = (fold: Fold, form: string, a: number, b: number, c: number): number => {
    const end = (v: number) => (form.endsWith("relu") ? Math.max(v, 0) : v);
    const is =
      (wrap: (v: number) => number) =>
      (...v: number[]) =>
        end(fold(wrap(v[0]!), wrap(v[1]!), wrap(v[2]!), (x, z) => wrap(x + z)));
    const wraps = { s32: signed, u32: (v: number) => v >>> 0, s16x2: half, u16x2: (v: number) => v & 0xffff };
    const f = is(wraps[form.replace("_relu", "") as keyof typeof wraps]);
    return form.includes("x2") ? halves(a, b, c, f) : f(a, b, c) >>> 0;
  };
  for (const [i, [a, b, c]] of triples.entries()) {
    const row = got.subarray(i * (forms.length + 6), (i + 1) * (forms.length + 6));
    const at = `${a}, ${b}, ${c}`;
    for (const [k, [name, form]] of forms.entries()) {
      assert.equal(row[k], reference(dpx[name]!, form, a, b, c), `${name}_${form}(${at})`);
    }
    const [relu, low2, high2, choice, min, first] = row.subarray(forms.length);
    assert.equal(relu, Math.max(signed(a), signed(b), 0));
    assert.equal(
      low2,
      halves(a, b, 0, (x, z) => Math.max(Math.min(half(x!), half(z!)), 0)),
    );
    assert.equal(
      high2,
      halves(a, b, 0, (x, z) => Math.max(half(x!), half(z!), 0)),
    );
    assert.equal(choice, (Math.max(signed(a), signed(b)) ^ (signed(a) >= signed(b) ? 1 << 31 : 0)) >>> 0, at);
    assert.equal(
      min,
      halves(a, b, 0, (x, z) => Math.min(x!, z!)),
    );
    assert.equal(first, Number(a >>> 16 <= b >>> 16) * 2 + Number((a & 0xffff) <= (b & 0xffff)));
  }
});

test("16-byte compare-and-swap and exchange take effect whole, on shared and on global memory", async () => {
  const dev = await cpu();
  const kernel = await dev.compile(`
    struct alignas(16) Pair { unsigned long long count, mirror; };
    __device__ void bump(Pair* p) {
      Pair seen = *p, old;
      for (;; seen = old) {
        old = atomicCAS(p, seen, Pair{seen.count + 1, ~(seen.count + 1)});
        if (old.count == seen.count && old.mirror == seen.mirror) return;
      }
    }
    __global__ void f(Pair* p, Pair* out) {
      __shared__ Pair mine;
      if (threadIdx.x == 0) mine = Pair{0, ~0ull};
      __syncthreads();
      bump(p);
      bump(&mine);
      __syncthreads();
      if (threadIdx.x == 0) out[blockIdx.x] = atomicExch(&mine, Pair{7, 8});
      __syncthreads();
      if (threadIdx.x == 1) out[gridDim.x + blockIdx.x] = mine;
    }`);
  const p = dev.tensor(BigInt64Array.from([0n, -1n]));
  const out = dev.zeros([16, 2], { dtype: "i64" });
  kernel.enqueue({ grid: 8, block: 96 }, p, out);
  assert.deepEqual([...((await p.read()) as BigInt64Array)], [768n, ~768n]);
  const pairs = [...((await out.read()) as BigInt64Array)];
  assert.deepEqual(pairs.slice(0, 16), Array(8).fill([96n, ~96n]).flat());
  assert.deepEqual(pairs.slice(16), Array(8).fill([7n, 8n]).flat());
});

test("integer extras: bytes swapped, 64-bit bit atomics, dot products of vectors, vector sums", async () => {
  const dev = await cpu();
  const kernel = await dev.compile(`__global__ void f(long long* y, float4* v) {
    y[0] = __nv_bswap16(0x1234) + (long long)__nv_bswap32(0x01020304u) + (__nv_bswap64(0x0102030405060708ull) == 0x0807060504030201ull);
    if (threadIdx.x < 3) { atomicOr(y + 1, 1ll << (40 + threadIdx.x)); atomicXor_block(y + 2, -1ll); atomicAnd_system(y + 3, ~(1ll << threadIdx.x)); }
    y[4] = __dp2a_lo(make_short2(-300, 200), make_char4(5, -6, 7, 8), 10);
    y[5] = __dp2a_hi(make_ushort2(300, 200), make_uchar4(5, 6, 250, 8), 10u);
    atomicAdd_block(v, make_float4(1, 2, 3, 4));
    y[6] = (long long)make_double4_32a(1, 2, 3, 4).w + alignof(double4_32a);
  }`);
  const [y, v] = [dev.zeros([7], { dtype: "i64" }), dev.zeros([4])];
  await y.write(BigInt64Array.from([0n, 0n, 0n, -1n, 0n, 0n, 0n]));
  kernel.enqueue({ grid: 1, block: 32 }, y, v);
  const expected = [
    0x3412n + 0x04030201n + 1n,
    7n << 40n,
    -1n,
    ~7n,
    -1500n - 1200n + 10n,
    75000n + 1600n + 10n,
    36n,
  ];
  assert.deepEqual([...((await y.read()) as BigInt64Array)], expected);
  assert.deepEqual([...((await v.read()) as Float32Array)], [32, 64, 96, 128]);
});

test("e8m0 scales: powers of two, up or down, with the ends and NaN", async () => {
  const dev = await cpu();
  const kernel = await dev.compile(`#include <cuda_fp8.h>
    __global__ void f(const double* x, unsigned char* y, float* back, int n) {
      for (int i = threadIdx.x; i < n; i += blockDim.x) {
        y[3 * i] = __nv_cvt_double_to_e8m0(x[i], __NV_NOSAT, cudaRoundZero);
        y[3 * i + 1] = __nv_cvt_double_to_e8m0(x[i], __NV_SATFINITE, cudaRoundPosInf);
        y[3 * i + 2] = __nv_fp8_e8m0(x[i]).__x;
      }
      for (int i = threadIdx.x; i < 256; i += blockDim.x) {
        __nv_fp8_e8m0 scale;
        scale.__x = i;
        back[i] = float(scale);
      }
      if (threadIdx.x == 0) {
        float2 two = float2(__nv_fp8x2_e8m0(make_float2(3.0f, 0.25f)));
        back[256] = two.x; back[257] = two.y;
        back[258] = float4(__nv_fp8x4_e8m0(make_float4(1, 2, 5, 0.3f))).z;
        back[259] = (float)(__nv_bfloat16)__nv_cvt_e8m0_to_bf16raw(130);
      }
    }`);
  const values = [
    1,
    1.5,
    2,
    -3,
    0,
    2 ** -127,
    2 ** -126,
    1.1 * 2 ** -127,
    2 ** 127,
    1.5 * 2 ** 127,
    2 ** 128,
    1e300,
  ];
  values.push(Number.POSITIVE_INFINITY, Number.NaN, Number.MIN_VALUE);
  const y = dev.zeros([values.length, 3], { dtype: "u8" });
  const back = dev.zeros([260]);
  kernel.enqueue({ grid: 1, block: 32 }, dev.tensor(Float64Array.from(values)), y, back, values.length);
  const down = [127, 127, 128, 128, 0, 0, 1, 0, 254, 254, 255, 255, 255, 255, 0];
  const up = [127, 128, 128, 129, 0, 0, 1, 1, 254, 254, 254, 254, 254, 255, 0];
  const bytes = [...((await y.read()) as Uint8Array)];
  for (const [i, value] of values.entries()) {
    assert.deepEqual(bytes.slice(3 * i, 3 * i + 3), [down[i], up[i], up[i]], `${value}`);
  }
  const floats = (await back.read()) as Float32Array;
  for (let i = 0; i < 255; i++) assert.equal(floats[i], 2 ** (i - 127), `byte ${i}`);
  assert.ok(Number.isNaN(floats[255]));
  assert.deepEqual([...floats.subarray(256)], [4, 0.25, 8, 8]);
});

test("fp8 converts from and to every integer type, saturating, NaN as CUDA has it", async () => {
  const dev = await cpu();
  const kernel = await dev.compile(`#include <cuda_fp8.h>
    __global__ void f(long long* y) {
      __nv_fp8_e4m3 big(1000L), small((short)-300), nan;
      nan.__x = 0x7f;
      y[0] = (signed char)big; y[1] = (unsigned char)big; y[2] = (unsigned short)small; y[3] = (long long)small;
      y[4] = (int)nan; y[5] = (long long)nan; y[6] = (short)big; y[7] = (unsigned)__nv_fp8_e5m2(57344ull);
      y[8] = bool(nan) + 2 * bool(__nv_fp8_e4m3(0));
    }`);
  const y = dev.zeros([9], { dtype: "i64" });
  kernel.enqueue({ grid: 1, block: 1 }, y);
  const got = [...((await y.read()) as BigInt64Array)];
  assert.deepEqual(got, [127n, 255n, 0n, -288n, 0n, -(2n ** 63n), 448n, 57344n, 1n]);
});

test("a cluster's intrinsics agree with cooperative groups", async () => {
  const dev = await cpu();
  const kernel = await dev.compile(`
    __global__ void __cluster_dims__(2, 1, 1) f(int* y) {
      __shared__ int mine;
      mine = 10 * blockIdx.x;
      __cluster_barrier_arrive(); __cluster_barrier_wait();
      int rank = __clusterRelativeBlockRank();
      int* other = (int*)__cluster_map_shared_rank(&mine, rank ^ 1);
      int* o = y + 8 * blockIdx.x;
      o[0] = rank; o[1] = __clusterSizeInBlocks(); o[2] = __clusterIdx().x; o[3] = __clusterGridDimInClusters().x;
      o[4] = *other; o[5] = __cluster_query_shared_rank(other); o[6] = __clusterRelativeBlockIdx().x; o[7] = __clusterDim().x;
      __threadfence_cluster();
      __cluster_barrier_arrive_relaxed(); __cluster_barrier_wait();
    }`);
  const y = dev.zeros([4, 8], { dtype: "i32" });
  kernel.enqueue({ grid: 4, block: 1 }, y);
  const row = (b: number) => [b % 2, 2, b >> 1, 2, 10 * (b ^ 1), (b % 2) ^ 1, b % 2, 2];
  assert.deepEqual([...((await y.read()) as Int32Array)], [0, 1, 2, 3].flatMap(row));
});
