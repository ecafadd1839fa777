import assert from "node:assert/strict";
import { test } from "node:test";
import { declaredNames, parameterNames } from "kernel-lab/dist/backend/simt/names";
import { translate } from "kernel-lab/dist/backend/simt/translate";

/** The kernel's text with step calls reduced to `@line:` and watches to `#name`. */
function stepped(source: string): string {
  return translate(source, true)
    .replace(/ ?lab_simt::StepFrame lab_frame; ?/g, "")
    .replace(/lab_simt::\w*Watch lab_watch\d+\("([^"]+)", \d+, [^;]*\);/g, "#$1")
    .replace(/lab_simt::step\((\d+)\)/g, (_, key: string) => `@${Math.floor(Number(key) / 1024)}`)
    .replace(/[ \t]+/g, " ")
    .replace(/ +$/gm, "");
}

test("translate() with steps calls before every statement and watches what it declares", () => {
  const text = stepped(`__global__ void k(const float* x, int n) {
  const int i = threadIdx.x, j = i + 1;
  x[i] = n;
}`);
  assert.equal(
    text,
    `__global__ void k(const float* x, int n) {#x #n
 @2; const int i = threadIdx.x, j = i + 1; #i #j
 @3; x[i] = n;
}`,
  );
});

test("translate() with steps leaves the meaning of what stands without braces", () => {
  const text = stepped(`__global__ void k(int n) {
  if (n) return;
  else n = 2;
  for (int i = 0; i < n; ++i) n += i;
  do n--; while (n);
}`);
  assert.match(text, /if \(n\) if \(@2\) \{\} else return;/);
  assert.match(text, /else if \(@3\) \{\} else n = 2;/);
  assert.match(text, /\+\+i\) if \(#i @4\) \{\} else n \+= i;/);
  assert.match(text, /do if \(@5\) \{\} else n--; while \(n\);/);
});

test("translate() with steps keeps a pragma before its loop, and the number of lines", () => {
  const source = `__device__ int f() {
  int s = 0;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    s += i;
  }
  return s;
}`;
  const text = translate(source, true);
  assert.equal(text.split("\n").length, source.split("\n").length);
  assert.match(text, /#pragma unroll\n\s*for/);
});

test("translate() with steps walks a lambda and passes initialisers, labels and local structs over", () => {
  const text = stepped(`__global__ void k(int n) {
  struct Pair { int a, b; };
  const Pair p{1, 2};
  auto f = [&](int t) { n += t; };
  switch (n) {
    case 1: f(2); break;
    default: { int q = 3; f(q); }
  }
}`);
  assert.match(text, /struct Pair \{ int a, b; \}/);
  assert.match(text, /const Pair p\{1, 2\}; #p\.a #p\.b/);
  assert.match(text, /\[&\]\(int t\) \{#t @4; n \+= t; \}/);
  assert.match(text, /case 1: @6; f\(2\); @6; break;/);
  assert.doesNotMatch(text, /#q/, "a case must not jump over a watch");
});

test("translate() with steps leaves a body it cannot follow, a constexpr one and host code alone", () => {
  for (const source of [
    "constexpr __device__ int f(int n) { return n; }",
    "int host(int n) { n++; return n; }",
    "__device__ float table[2] = {1, 2};",
    "__global__ void k(int n) {\n#if A\n if (n) {\n#else\n if (!n) {\n#endif\n n = 1; }\n}",
  ]) {
    assert.equal(translate(source, true), translate(source));
  }
});

test("translate() with steps tells of shared memory, named and left to the launch", () => {
  const text = translate(
    `__global__ void k() {\n  extern __shared__ float part[];\n  __shared__ float a[4], b;\n  part[0] = 1;\n}`,
    true,
  );
  assert.match(text, /SharedWatch lab_watch0\("part", \d+, lab_simt::dynamicArray\(part\)\)/);
  assert.match(text, /SharedWatch lab_watch1\("a", \d+, a\).*SharedWatch lab_watch2\("b", \d+, b\)/);
});

test("translate() with steps tells a struct by its members, an array of structs by what they are made of", () => {
  const text = translate(
    `struct Pair { float most, sum; };\n__device__ void f(Pair a) {\n  __shared__ Pair all[32];\n  float4 v;\n}`,
    true,
  );
  assert.match(text, /"a\.most", \d+, a\.most\).*"a\.sum", \d+, a\.sum\)/);
  assert.match(text, /SharedWatch lab_watch\d+\("all", \d+, all, &Pair::most\)/);
  assert.match(text, /"v\.w", \d+, v\.w\)/);
});

test("declaredNames() tells a declaration from an expression", () => {
  const names = (text: string) => declaredNames(text).map(({ name }) => name);
  assert.deepEqual(names("float sum[TM][TN] = {};"), ["sum"]);
  assert.deepEqual(names("const std::pair<int, float> p = {1, 2};"), ["p"]);
  assert.deepEqual(names("unsigned x = 3, y;"), ["x", "y"]);
  assert.deepEqual(names("const float* const at = a + 1;"), ["at"]);
  for (const text of [
    "a = b;",
    "f(x);",
    "a.b += 2;",
    "return x;",
    "sum[i] = 3;",
    "constexpr int n = 2;",
    "x<y;",
  ]) {
    assert.deepEqual(names(text), [], text);
  }
});

test("parameterNames() passes over the unnamed", () => {
  const names = (text: string) => parameterNames(text).map(({ name }) => name);
  assert.deepEqual(
    names("const float* __restrict__ a, int, const Pack, float (&s)[4], T v = 3, Args... rest"),
    ["a", "s", "v"],
  );
});
