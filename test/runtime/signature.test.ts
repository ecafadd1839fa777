import assert from "node:assert/strict";
import { test } from "node:test";
import { LabError } from "kernel-lab/dist/core/error";
import { SourceReader } from "kernel-lab/dist/runtime/signature";

function layout(source: string, name: string, defines = {}): (string | number)[][] {
  return new SourceReader(source, defines)
    .signature(name)
    .params.map((p) => [p.name, p.type.name, p.offset, p.type.size]);
}

test("scalars and pointers are read with their offsets", () => {
  const source = `// void __global__ no(int x)
  extern "C" __global__ void __launch_bounds__(256, 2) saxpy(float a, const float* __restrict__ x, float *y, int n) { }`;
  assert.deepEqual(layout(source, "saxpy"), [
    ["a", "float", 0, 4],
    ["x", "float*", 8, 8],
    ["y", "float*", 16, 8],
    ["n", "int", 24, 4],
  ]);
  assert.equal(
    new SourceReader(source).signature("saxpy").text,
    "saxpy(float a, const float* __restrict__ x, float* y, int n)",
  );
});

test("attributes stand anywhere, prototypes and comments do not matter", () => {
  const source = `
  __global__ void proto(int);
  static __global__ __launch_bounds__(128) void a(unsigned n /* count */, size_t m) {}
  __launch_bounds__(64) __global__ void b() {}
  __global__ void __cluster_dims__(2, 1, 1) c(unsigned long long int x, long y, uint8_t z, bool w, half h, double d) {}
  namespace inner { template <int N> __global__ void t(int (&x)[N]); }
  __global__ void d(void) {}`;
  assert.deepEqual(new SourceReader(source).plainNames, ["proto", "a", "b", "c", "d"]);
  assert.deepEqual(layout(source, "a"), [
    ["n", "unsigned int", 0, 4],
    ["m", "unsigned long", 8, 8],
  ]);
  assert.deepEqual(layout(source, "b"), []);
  assert.deepEqual(
    layout(source, "c").map((p) => p.slice(2)),
    [
      [0, 8],
      [8, 8],
      [16, 1],
      [17, 1],
      [18, 2],
      [24, 8],
    ],
  );
  assert.deepEqual(layout(source, "d"), []);
});

test("structs are laid out as C++ does: nested, arrays, pointers, alignas, functions inside", () => {
  const source = `
  #define LANES 4
  constexpr int kStages = LANES / 2;
  enum Mode { A, B = 5, C };
  struct __align__(16) Vec { float x, y, z; };
  struct Inner { char tag; double value; int counts[kStages + 1]; };
  struct Params {
    static constexpr int K = 3;
    const float* data; unsigned short rows; Inner inner; Vec v[2]; Mode mode; int last[C];
    __device__ int size() const { return rows * 2; }
    Params() = default;
    bool flag = false;
  };
  __global__ void k(Params p, char c) {}`;
  const [p, c] = new SourceReader(source).signature("k").params;
  assert.equal(p!.type.kind, "struct");
  const fields = p!.type.kind === "struct" ? p!.type.fields.map((f) => [f.name, f.offset, f.type.size]) : [];
  // Offsets as g++ gives them for the same structs.
  assert.deepEqual(fields, [
    ["data", 0, 8],
    ["rows", 8, 2],
    ["inner", 16, 32],
    ["v", 48, 32],
    ["mode", 80, 4],
    ["last", 84, 24],
    ["flag", 108, 1],
  ]);
  assert.deepEqual([p!.type.size, p!.type.align, c!.offset], [112, 16, 112]);
});

test("aliases, typedefs, macros and defines lead to the type", () => {
  const source = `
  typedef unsigned int u32;
  using real = float;
  typedef struct { real a; u32 b; } Pair;
  #define T double
  __global__ void k(const T* x, real s, Pair p, ELEMENT e, u32* out) {}`;
  assert.deepEqual(layout(source, "k", { ELEMENT: "__half" }), [
    ["x", "double*", 0, 8],
    ["s", "float", 8, 4],
    ["p", "Pair", 12, 8],
    ["e", "__half", 20, 2],
    ["out", "unsigned int*", 24, 8],
  ]);
});

test("template parameters are bound from the name expression, with defaults", () => {
  const source = `template <typename T, int N = 4, class U = float> __global__ void tile(T* x, U y, T z) {}`;
  assert.deepEqual(layout(source, "tile<double, 128>"), [
    ["x", "double*", 0, 8],
    ["y", "float", 8, 4],
    ["z", "double", 16, 8],
  ]);
  assert.deepEqual(
    layout(source, "tile<unsigned char, 8, int>").map((p) => p[1]),
    ["unsigned char*", "int", "unsigned char"],
  );
  assert.deepEqual(new SourceReader(source).plainNames, []);
});

test("vector types and tensor maps have CUDA's sizes and alignments", () => {
  const source = `__global__ void k(const __grid_constant__ CUtensorMap m, float3 a, float4 b, half2 h, double2* d, dim3 g) {}`;
  assert.deepEqual(
    layout(source, "k").map((p) => p.slice(1)),
    [
      ["CUtensorMap", 0, 128],
      ["float3", 128, 12],
      ["float4", 144, 16],
      ["__half2", 160, 4],
      ["double2*", 168, 8],
      ["dim3", 176, 12],
    ],
  );
});

test("structs of included headers are found", () => {
  const reader = new SourceReader('#include "p.cuh"\n__global__ void k(P p, int n) {}', {}, (name) =>
    name === "p.cuh" ? "#pragma once\nstruct P { double a; int b; };" : null,
  );
  assert.deepEqual(
    reader.signature("k").params.map((p) => p.offset),
    [0, 16],
  );
});

test("of several declarations the one that the compiler built is taken", () => {
  const source = "#if WIDE\n__global__ void k(double x) {}\n#else\n__global__ void k(float x) {}\n#endif";
  assert.equal(new SourceReader(source).signature("k", [[0, 4]]).params[0]!.type.name, "float");
  assert.equal(new SourceReader(source).signature("k", [[0, 8]]).params[0]!.type.name, "double");
  assert.throws(
    () => new SourceReader(source).signature("k", [[0, 2]]),
    (e) => LabError.is(e, "unsupported-signature"),
  );
});

test("an unknown type and an unknown kernel are named with what to do", () => {
  const source = "__global__ void k(int n, std::mystery<int> m) {}";
  assert.throws(
    () => new SourceReader(source).signature("k"),
    (e) => LabError.is(e, "unsupported-signature") && /parameter 2.*mystery/.test(e.what) && e.advice !== "",
  );
  assert.throws(
    () => new SourceReader(source).signature("other"),
    (e) => LabError.is(e, "no-such-kernel") && /It has k/.test(e.advice),
  );
});

test("arguments go where the compiler put them; a size it does not have is refused", () => {
  const reader = new SourceReader(
    "__global__ void tma(const __grid_constant__ CUtensorMap map, float* out) { }",
  );
  // As an H200 reports it: the constant bank's block of arguments begins 16 bytes behind a multiple of 64.
  const seen = reader.signature("tma", [
    [48, 128],
    [176, 8],
  ]);
  assert.deepEqual(
    seen.params.map((param) => param.offset),
    [48, 176],
  );
  assert.equal(seen.argBytes, 184);
  const wrongSize = [
    [48, 128],
    [176, 4],
  ] as const;
  assert.throws(
    () => reader.signature("tma", wrongSize),
    (e) => LabError.is(e, "unsupported-signature"),
  );
  const earlier = [
    [0, 128],
    [64, 8],
  ] as const;
  assert.throws(
    () => reader.signature("tma", earlier),
    (e) => LabError.is(e, "unsupported-signature"),
  );
});

test("structs of templates, of bases and of traits are laid out with their parameters bound", () => {
  const source = `
  template <class T, int N = 2> struct Pack { T lanes[N]; int used; };
  template <class T> struct Traits { using Wide = double; };
  template <> struct Traits<float> { using Wide = float; struct Tag {}; };
  struct Empty {};
  struct Base { int id; float weight; };
  struct Derived final : public Base, Empty { double more; };
  struct Node { Node* next; int value; };
  template <class T> struct Pointed { std::mystery<T> inside; };
  template <class T, int N>
  __global__ void k(Pack<T, N> p, Pack<short> q, typename Traits<T>::Wide w, Derived d, Node n, Pointed<T>* o) {}`;
  assert.deepEqual(layout(source, "k<float, 3>"), [
    ["p", "Pack<float, 3>", 0, 16],
    ["q", "Pack<short>", 16, 8],
    ["w", "float", 24, 4],
    ["d", "Derived", 32, 16],
    ["n", "Node", 48, 16],
    ["o", "Pointed < float >*", 64, 8],
  ]);
  assert.deepEqual(layout(source, "k<short, 1>")[2], ["w", "double", 16, 8]);
  const derived = new SourceReader(source).signature("k<float, 3>").params[3]!.type;
  assert.deepEqual(derived.kind === "struct" && derived.fields.map((field) => [field.name, field.offset]), [
    ["id", 0],
    ["weight", 4],
    ["more", 8],
  ]);
});

test("a base that ends in padding and a virtual function are refused: C++ may lay them out otherwise", () => {
  for (const source of [
    "struct A { double x; char y; }; struct B : A { char z; }; __global__ void k(B b) {}",
    "struct B { int x; virtual void f(); }; __global__ void k(B b) {}",
  ]) {
    assert.throws(
      () => new SourceReader(source).signature("k"),
      (e) => LabError.is(e, "unsupported-signature"),
    );
  }
});

test("a kernel in a namespace is known by its name alone where that is enough", () => {
  const source = `namespace one { inline namespace v1 { __global__ void a(int n) {} } template <int N> __global__ void t(float x) {} }
  namespace two { __global__ void a(double n) {} void f() { if (1) { } } }
  namespace { __global__ void b(int n) {} }`;
  const reader = new SourceReader(source);
  assert.deepEqual(reader.plainNames, ["one::v1::a", "two::a", "b"]);
  assert.equal(reader.qualify("t<4>"), "one::t<4>");
  assert.equal(reader.qualify("a"), "a");
  assert.equal(reader.qualify("b"), "b");
  assert.equal(reader.signature("two::a").params[0]!.type.name, "double");
  assert.equal(reader.signature("one::t<4>").params[0]!.type.name, "float");
});

test("a macro that stands for several parameters is read as several", () => {
  const source = "#define SHAPE int rows, int columns\n__global__ void k(float* x, SHAPE) {}";
  assert.deepEqual(
    layout(source, "k").map((p) => p[0]),
    ["x", "rows", "columns"],
  );
});
