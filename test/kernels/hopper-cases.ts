import { readFileSync } from "node:fs";
import { join } from "node:path";
import type * as lab from "kernel-lab";
import { attentionCase } from "./hopper-attention-case";
import { clusterCases } from "./hopper-cluster-cases";
import { tmaCases } from "./hopper-tma-cases";
import { waitCases } from "./hopper-wait-cases";
import { wgmmaCases } from "./hopper-wgmma-cases";

/** Numbers a kernel made, and what it had to make; `tolerance` is relative, 0: to the bit. */
export interface Outcome {
  readonly got: ArrayLike<number>;
  readonly expected: ArrayLike<number>;
  readonly tolerance: number;
}

/** One use of the device headers that the CPU device and a GPU must both get right. */
export interface HopperCase {
  readonly name: string;
  /** The source in test/kernels/hopper, and the kernel in it. */
  readonly file: string;
  readonly kernel: string;
  run(use: Use): Promise<Outcome>;
}

/** What a case runs with. */
export interface Use {
  readonly lab: typeof import("kernel-lab");
  readonly device: lab.Device;
  readonly kernel: lab.Kernel;
}

/** Runs cases on a device; each source is compiled once, with all kernels that the cases need. */
export class HopperRunner {
  readonly #modules = new Map<string, Promise<lab.Module>>();

  constructor(
    readonly lab: typeof import("kernel-lab"),
    readonly device: lab.Device,
    readonly cases: readonly HopperCase[] = hopperCases,
  ) {}

  async run(one: HopperCase): Promise<Outcome> {
    let module = this.#modules.get(one.file);
    if (!module) {
      const names = this.cases.filter(({ file }) => file === one.file).map(({ kernel }) => kernel);
      module = this.device.compileModule(hopperSource(one.file), {
        names: [...new Set(names)],
        fileName: `${one.file}.cu`,
      });
      this.#modules.set(one.file, module);
    }
    return one.run({ lab: this.lab, device: this.device, kernel: (await module).kernel(one.kernel) });
  }
}

/** A source of test/kernels/hopper. */
export function hopperSource(file: string): string {
  return readFileSync(join(__dirname, "..", "..", "kernels", "hopper", `${file}.cu`), "utf8");
}

/** The first place where an outcome is wrong, in words; null when there is none. */
export function mismatch({ got, expected, tolerance }: Outcome): string | null {
  if (got.length !== expected.length) return `${got.length} numbers instead of ${expected.length}`;
  if (expected.length === 0) return "nothing was compared";
  for (let i = 0; i < expected.length; i++) {
    const [g, e] = [got[i]!, expected[i]!];
    if (Number.isNaN(e) ? Number.isNaN(g) : Math.abs(g - e) <= tolerance * Math.max(1, Math.abs(e))) continue;
    return `number ${i} is ${g} instead of ${e}`;
  }
  return null;
}

export const hopperCases: readonly HopperCase[] = [
  ...waitCases,
  ...tmaCases,
  ...wgmmaCases,
  ...clusterCases,
  attentionCase,
];
