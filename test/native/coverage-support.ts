import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import * as lab from "kernel-lab";

const folder = join(__dirname, "..", "..", "native", "coverage");
let opened: Promise<lab.Device> | undefined;
after(async () => (await opened)?.close());

/** The CPU device of this test file, opened on first use and closed at the end. */
export function cpu(): Promise<lab.Device> {
  opened ??= lab.open("cpu");
  return opened;
}

/** Text of one of the coverage kernels. */
export function coverageSource(file: string): string {
  return readFileSync(join(folder, file), "utf8");
}

/** Compiles a file of coverage kernels for the CPU device; without names, every kernel that is no template. */
export async function compiled(file: string, ...names: string[]): Promise<lab.Module> {
  const options = { fileName: file, ...(names.length > 0 ? { names } : {}) };
  return (await cpu()).compileModule(coverageSource(file), options);
}

/** Reproducible numbers in [-1, 1), for inputs made on the host. */
export function noise(count: number, seed = 1): Float32Array {
  let state = seed * 2654435761;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

/** Asserts that every element lies within `tolerance` of its float64 reference, and none is NaN. */
export function assertNear(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what = "",
): void {
  assert.equal(actual.length, expected.length, `${what}: lengths`);
  for (let i = 0; i < actual.length; i++) {
    const miss = Math.abs(actual[i]! - expected[i]!);
    assert.ok(miss <= tolerance, `${what}[${i}]: expected ${expected[i]}, got ${actual[i]}`);
  }
}

/** Row-major product of a (m x k) and b (k x n) in float64. */
export function product(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  m: number,
  n: number,
  k: number,
): Float64Array {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      for (let j = 0; j < n; j++) out[i * n + j]! += a[i * k + l]! * b[l * n + j]!;
    }
  }
  return out;
}

/** A tensor's elements as plain numbers. */
export async function numbers(tensor: lab.Tensor): Promise<number[]> {
  return Array.from(await tensor.read(), Number);
}
