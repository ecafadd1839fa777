import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before } from "node:test";
import * as lab from "kernel-lab";
import { cutFile } from "./cut";
import { families, folderOf } from "./sources";

/** One family's kernels, compiled from its own files and run on the CPU device. */
export class Bench {
  device!: lab.Device;
  /** What the kernels printed so far. */
  printed = "";
  readonly #family;
  readonly #root: string | null;
  #target = "";

  constructor(name: string) {
    this.#family = families.find((one) => one.name === name)!;
    this.#root = folderOf(this.#family);
    before(async () => {
      this.device = await lab.open("cpu", { onPrintf: (text) => (this.printed += text) });
      this.#target = mkdtempSync(join(tmpdir(), "lab-third-"));
    });
    after(async () => {
      await this.device.close();
      rmSync(this.#target, { recursive: true, force: true });
    });
  }

  /** Why the tests are passed over; false where the family's files are there. */
  get skip(): string | false {
    return this.#root ? false : this.#family.absent;
  }

  /** A module of a file of the family, host code cut away and nothing else changed. */
  async module(file: string, options: lab.CompileOptions = {}): Promise<lab.Module> {
    const folders = this.#family.folders.map((folder) => join(this.#root!, folder));
    const { text, includes } = cutFile(join(this.#root!, file), folders, this.#target);
    const defines = { ...this.#family.defines, ...options.defines };
    return this.device.compileModule(text, { fileName: basename(file), ...options, includes, defines });
  }

  /** One kernel of a file, by name or name expression. */
  async kernel(file: string, name: string, defines: lab.CompileOptions["defines"] = {}): Promise<lab.Kernel> {
    return (await this.module(file, { names: [name], defines })).kernel(name);
  }
}

/** A tensor's values. */
export async function values(tensor: lab.Tensor): Promise<number[]> {
  return Array.from((await tensor.read()) as ArrayLike<number>, Number);
}

/** Every value within `tolerance` of the reference, relative where that is large. */
export function close(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    assert.ok(error <= tolerance * (1 + Math.abs(expected[i]!)), `[${i}] ${actual[i]} for ${expected[i]}`);
  }
}

/** `alpha A B + beta C` in float64, row by row. */
export function gemm(
  [m, n, k]: readonly [number, number, number],
  a: readonly number[],
  b: readonly number[],
  c: readonly number[] = [],
  alpha = 1,
  beta = 0,
): Float64Array {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += a[i * k + p]! * b[p * n + j]!;
      out[i * n + j] = alpha * sum + beta * (c[i * n + j] ?? 0);
    }
  }
  return out;
}
