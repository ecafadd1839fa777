import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as lab from "kernel-lab";

const folder = join(__dirname, "..", "..", "native", "cu");

/** Compiles a fixture of test/native/cu for the CPU device. */
export function fixture(dev: lab.Device, name: string, names?: string[]): Promise<lab.Module> {
  return dev.compileModule(readFileSync(join(folder, `${name}.cu`), "utf8"), {
    fileName: `${name}.cu`,
    names,
  });
}

/** What compiling a source is refused with. */
export async function refusalOf(
  dev: lab.Device,
  source: string,
  options: lab.CompileOptions = {},
): Promise<lab.LabError> {
  try {
    await dev.compile(source, { fileName: "mine.cu", ...options });
  } catch (error) {
    assert.ok(error instanceof lab.LabError, String(error));
    return error;
  }
  assert.fail("it compiled");
}

/** The numbers 0 .. n-1 through `f`. */
export function range<T>(n: number, f: (i: number) => T): T[] {
  return Array.from({ length: n }, (_, i) => f(i));
}

/** An i32 tensor's values as plain numbers. */
export async function ints(tensor: lab.Tensor): Promise<number[]> {
  return Array.from((await tensor.read()) as Int32Array);
}

/** The bits of lanes for which `f` holds, as the signed integer a kernel writes. */
export function mask(f: (lane: number) => boolean): number {
  let bits = 0;
  for (let lane = 0; lane < 32; lane++) if (f(lane)) bits |= 1 << lane;
  return bits;
}

/** A floating tensor's values as plain numbers. */
export async function numbers(tensor: lab.Tensor): Promise<number[]> {
  return Array.from((await tensor.read()) as Float64Array);
}
