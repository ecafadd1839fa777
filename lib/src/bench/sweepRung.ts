import { LabError } from "../core/error";
import type { Axes, OpCase, Prepared, Variant } from "../ops/variant";
import { prepare } from "../ops/variant";
import type { Device } from "../runtime/device";
import { contender } from "./suites";
import { type Sweep, sweep } from "./sweep";
import type { MeasureOptions } from "./target";

/** What of a rung is swept, and with how much effort. */
export interface RungSweepOptions {
  /** Values of some parameters; an axis named here takes the place of the rung's own. */
  readonly axes?: Axes;
  readonly options?: MeasureOptions;
  readonly onProgress?: (what: string, done: number, total: number) => void;
}

/**
 * Measures a rung at every setting of its parameters that its `needs` allows, then the fastest again in turns.
 *
 * @throws LabError "bad-options" when the rung has nothing to sweep, or has no parameter of a given name
 * @example
 * const { best } = await lab.sweepRung(dev, lab.softmax.variant("03_warp"), lab.softmax.benchCase(dev.info));
 */
export async function sweepRung<C extends OpCase>(
  device: Device,
  variant: Variant<C>,
  c: C,
  { axes: wanted = {}, options = {}, onProgress }: RungSweepOptions = {},
): Promise<Sweep> {
  const usual = variant.parameters(device.info, c);
  const unknown = Object.keys(wanted).find((name) => !(name in usual));
  if (unknown !== undefined) {
    throw new LabError("bad-options", `Sweeping ${variant.id}: it has no parameter ${unknown}.`, {
      advice: `Its parameters are ${Object.keys(usual).join(", ") || "none"}.`,
    });
  }
  const axes: Axes = { ...variant.axes?.(device.info, c), ...wanted };
  if (Object.keys(axes).length === 0) {
    throw new LabError("bad-options", `Sweeping ${variant.id}: it has no parameter to vary.`, {
      advice: "Choose another rung: lab list shows them.",
    });
  }
  const problem = await variant.problem(device, c);
  const held: Prepared<C>[] = [];
  try {
    return await sweep({
      axes,
      options: {
        suite: variant.topic,
        case: { name: c.name, params: { ...c.params }, dtype: c.dtype },
        implementation: { id: variant.id, name: variant.id, parameters: usual },
        ...options,
      },
      skip: (point) => variant.needs(device.info, c, { ...usual, ...point }),
      target: async (point) => {
        const prepared = await prepare(device, variant, c, { parameters: point, problem });
        held.push(prepared);
        return contender(prepared as unknown as Prepared);
      },
      onProgress: (done, total, point) => onProgress?.(`${variant.id} ${settingText(point)}`, done, total),
    });
  } finally {
    for (const prepared of held) prepared.free();
    for (const tensor of Object.values(problem.tensors)) tensor.free();
  }
}

/** A setting in words: "BM 64, BN 128". */
export function settingText(point: Readonly<Record<string, number | string | boolean>>): string {
  return Object.entries(point)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}
