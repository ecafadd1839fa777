import assert from "node:assert/strict";
import { test } from "node:test";
import { macroKernels } from "kernel-lab/dist/core/macros";

test("macroKernels() substitutes arguments, pastes names and joins continued lines", () => {
  const source = [
    "#define OP(T, name, f) \\",
    'extern "C" __global__ void name##_k(const T* x, T* y, int n) { /* a , b */ \\',
    "  y[0] = f(x[0], ')'); }",
    "OP(float, relu, max<int, 2>)",
    "int unrelated = OPS(1);",
  ].join("\n");
  assert.equal(
    macroKernels(source).replace(/\s+/g, " "),
    `extern "C" __global__ void relu_k(const float* x, float* y, int n) { y[0] = max<int(x[0], ')'); }`,
  );
});

test("macroKernels() follows macros that call macros, and those of included files", () => {
  const header = "#define ONE(T, name) __global__ void name(T* x) { *x = 1; }";
  const source = '#include "ops.cuh"\n#define BOTH(T) ONE(T, one_##T) ONE(T*, two_##T)\nBOTH(float)';
  const text = macroKernels(source, (name) => (name === "ops.cuh" ? header : null));
  assert.deepEqual(text.split("\n"), [
    "__global__ void one_float(float* x) { *x = 1; }",
    "__global__ void two_float(float** x) { *x = 1; }",
  ]);
});

test("macroKernels() knows variadic macros and what #if 0 leaves out, and says nothing of other macros", () => {
  const source = [
    "#define V(name, ...) __global__ void name(__VA_ARGS__) {}",
    "#define MAX(a, b) ((a) > (b) ? (a) : (b))",
    "#if 0",
    "V(gone, int a)",
    "#endif",
    "// V(comment, int a)",
    "V(there, int a, float b)",
    "int m = MAX(1, 2);",
  ].join("\n");
  assert.equal(macroKernels(source), "__global__ void there(int a, float b) {}");
  assert.equal(macroKernels("#define MAX(a, b) a\nint m = MAX(1, 2);"), "");
});

test("macroKernels() ends on macros that call themselves", () => {
  assert.equal(
    macroKernels("#define A(x) B(x)\n#define B(x) A(x) __global__\nA(1)").includes("__global__"),
    true,
  );
});
