import assert from "node:assert/strict";
import { test } from "node:test";
import { cutHost, hostTypes, qualifierMacros } from "./cut";

const everything = (): boolean => true;

test("cutHost() keeps the device's declarations at their places and drops the host's", () => {
  const source = [
    "#include <gone/host.h>",
    '#include "kept.cuh"',
    "namespace cg = cooperative_groups;",
    "#define SIZE 4",
    "const int kept = SIZE;",
    "int counter = 0;",
    "struct Pair { int a, b; };",
    "typedef unsigned word;",
    "__constant__ float weights[SIZE];",
    "void prototype(int);",
    "template <int N = 2> __global__ void kernel(Pair* p, int x = f(g(1), 2)) { if (x) { p->a = N; } }",
    'extern "C" void run(Pair* p) {',
    "#ifdef TWICE",
    "  kernel<3><<<1, 1>>>(p);",
    "#endif",
    "}",
    "namespace inner { static __device__ int one() { return 1; } int two() { return 2; } }",
  ].join("\n");
  const cut = cutHost(source, (name) => name === "kept.cuh").split("\n");
  const original = source.split("\n");
  assert.equal(cut.length, original.length);
  for (const line of [1, 2, 3, 4, 6, 7, 8, 10, 12, 14]) assert.equal(cut[line], original[line]);
  for (const line of [0, 5, 9, 11, 13, 15]) assert.equal(cut[line]!.trim(), "");
  assert.equal(cut[16]!.replace(/ +/g, " "), "namespace inner { static __device__ int one() { return 1; } }");
});

test("cutHost() knows qualifiers behind macros, host members and types of the host alone", () => {
  const source = [
    "#define INLINE __device__ inline",
    "INLINE int helper() { return 1; }",
    "class Comparer { bool compare() { return hostOnly(); } };",
    "struct Shape { int n; __host__ int area() { return hostOnly(n); } __device__ int size() { return n; } };",
    "__global__ void kernel(Shape s, int* out) { *out = s.size() + helper(); }",
  ].join("\n");
  const macros = new Set(qualifierMacros(source));
  assert.deepEqual([...macros], ["INLINE"]);
  const types = hostTypes([source], macros);
  assert.deepEqual([...types], ["Comparer"]);
  const cut = cutHost(source, everything, macros, types);
  assert.doesNotMatch(cut, /hostOnly|Comparer/);
  assert.match(cut, /INLINE int helper\(\) \{ return 1; \}/);
  assert.match(cut, /__device__ int size\(\) \{ return n; \}/);
});
