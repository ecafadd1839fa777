import { dirname } from "node:path";
import type { DeviceInfo } from "../backend/contract";
import { dtypeInfo } from "../core/dtype";
import { LabError } from "../core/error";
import { kernelPath } from "../core/paths";
import type { Device } from "../runtime/device";
import type { Kernel } from "../runtime/kernel";
import type { Tensor } from "../runtime/tensor";
import * as ladder from "./attention";
import type { AttentionCase } from "./attentionCase";
import { type Parameters, type Variant, variantSource } from "./variant";

/** How `lab.attention` is to look at its inputs. */
export interface AttentionOptions {
  /** Query i sees key j when j <= i + keys - queries. Default false. */
  readonly causal?: boolean;
  /** What scores are multiplied by. Default 1 / sqrt(head dim). */
  readonly scale?: number;
}

/** What `lab.attention` answers. */
export interface AttentionResult {
  /** Shaped as q and of its dtype, dense; zeros for a query that sees no key. */
  readonly out: Tensor;
  /** Natural logarithm of each query's sum of exponentials, f32 [batch, heads, queries]; minus infinity without a key. */
  readonly lse: Tensor;
  /** The rung that ran: "attention/12_refined". */
  readonly rung: string;
}

/** Rungs by preference: the decoder, Hopper's, that of sm_80, then those without tensor cores; the CPU device's quickest. */
const preferred = {
  cuda: ["13_decode", "15_ends", "07_flash2", "05_warp", "03_online", "02_fused"],
  cpu: ["04_tiled", "03_online"],
} as const;

async function attend(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: AttentionOptions = {},
): Promise<AttentionResult> {
  const c = caseOf(q, k, v, options);
  const { device } = q;
  const variant = bestRung(device.info, c, [q, k, v].every(wideRows));
  const parameters = variant.parameters(device.info, c);
  const kernels = await kernelsOf(device, variant, c, parameters);
  const out = device.empty(q.shape, { dtype: q.dtype });
  const lse = device.empty([c.batch, c.heads, c.queries]);
  const scratch = Object.entries(variant.scratch?.(c, parameters) ?? {}).map(
    ([name, { dtype, size, zeros }]) =>
      [name, zeros ? device.zeros([size], { dtype }) : device.empty([size], { dtype })] as const,
  );
  const tensors = { q, k, v, out, lse, ...Object.fromEntries(scratch) };
  for (const { kernel, config, args } of variant.launches(kernels, tensors, c, parameters)) {
    kernel.enqueue(config, ...args);
  }
  for (const [, tensor] of scratch) tensor.free();
  return { out, lse, rung: variant.id };
}

/**
 * Attention of q to k and v, softmax(scale q k^T) v, by the best rung for device and shape; resolves once it is enqueued.
 * It is also the ladder: `lab.attention.variants`, `variant`, `makeCase`, `checkCases`, `benchCase`.
 *
 * q is [batch, heads, queries, head dim], k and v [batch, key heads, keys, head dim] with key heads dividing heads; all
 * f32, f16 or bf16, with a dense head dim, a multiple of 8 up to 256; other strides are free. The formula and the
 * alignment of the causal mask (the last query sees every key) are FlashAttention's.
 *
 * @throws LabError "invalid-shape", "wrong-dtype", "wrong-device", "freed-tensor"
 * @example
 * const [q, k, v] = [1, 2, 3].map((seed) => dev.randn([1, 8, 512, 64], { dtype: "f16", seed }));
 * const { out, lse, rung } = await lab.attention(q, k, v, { causal: true });
 * console.log(rung, (await out.read())[0], (await lse.read())[0]);
 */
export const attention = Object.assign(attend, ladder);

/** Checks the tensors against one another and makes them a case. */
function caseOf(q: Tensor, k: Tensor, v: Tensor, { causal = false, scale }: AttentionOptions): AttentionCase {
  const doing = "Computing attention:";
  for (const [name, t] of Object.entries({ q, k, v })) {
    t.storage.check(q.storage.connection, `${doing} ${name} (${t})`);
    if (t.shape.length !== 4 || t.shape.some((n) => n < 1)) {
      throw new LabError("invalid-shape", `${doing} ${name} is ${t}, expected four extents from 1.`, {
        advice: "The axes are [batch, heads, rows, head dim].",
      });
    }
    if (!["f32", "f16", "bf16"].includes(t.dtype) || t.dtype !== q.dtype) {
      throw new LabError(
        "wrong-dtype",
        `${doing} ${name} is ${t.dtype} and q is ${q.dtype}, expected one of f32, f16 and bf16 for all.`,
      );
    }
    if (t.strides[3] !== 1) {
      throw new LabError("invalid-shape", `${doing} the head dim of ${name} (${t}) is not dense.`, {
        advice: "Copy the tensor so that elements of a row lie side by side.",
      });
    }
  }
  const [batch, heads, queries, headDim] = q.shape as [number, number, number, number];
  const [keyBatch, keyHeads, keys, keyDim] = k.shape as [number, number, number, number];
  const rules: [boolean, string][] = [
    [k.shape.every((n, axis) => n === v.shape[axis]), `k and v of one shape, and they are ${k} and ${v}`],
    [batch === keyBatch, `one batch, and q has ${batch} and k has ${keyBatch}`],
    [headDim === keyDim, `one head dim, and q has ${headDim} and k has ${keyDim}`],
    [
      headDim % 8 === 0 && headDim <= 256,
      `a head dim that is a multiple of 8 up to 256, and it is ${headDim}`,
    ],
    [heads % keyHeads === 0, `key heads that divide the heads, and there are ${keyHeads} and ${heads}`],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken) throw new LabError("invalid-shape", `${doing} expected ${broken[1]}.`);
  // The running maximum of the scores is that of the scaled ones only while the scale is positive.
  if (scale !== undefined && !(Number.isFinite(scale) && scale > 0)) {
    throw new LabError("bad-options", `${doing} expected a positive, finite scale, received ${scale}.`, {
      advice: "For a negative scale negate q.",
    });
  }
  const given = scale === undefined ? {} : { scale };
  const { dtype } = q;
  return ladder.makeCase({ batch, heads, keyHeads, queries, keys, headDim, causal, dtype, ...given });
}

/**
 * The rung that `lab.attention` runs for a case on a device.
 *
 * @param aligned whether all rows begin at multiples of 16 bytes: the rungs on tensor cores read that much at a time
 * @throws LabError "not-supported"
 */
export function bestRung(info: DeviceInfo, c: AttentionCase, aligned: boolean): Variant<AttentionCase> {
  for (const stem of preferred[info.kind]) {
    const variant = ladder.variant(stem);
    if (variant.rung > 5 && !aligned) continue;
    if (variant.needs(info, c, variant.parameters(info, c)) === null) return variant;
  }
  throw new LabError(
    "not-supported",
    `Computing attention: no rung takes ${c.name} ${c.dtype} on ${info.name}.`,
  );
}

function wideRows(t: Tensor): boolean {
  const { bytes } = dtypeInfo(t.dtype);
  return t.offset % 16 === 0 && t.strides.slice(0, 3).every((stride) => (stride * bytes) % 16 === 0);
}

const compiled = new WeakMap<Device, Map<string, Promise<Kernel[]>>>();

/** The kernels of a rung at a case, compiled once a device. */
function kernelsOf(
  device: Device,
  variant: Variant<AttentionCase>,
  c: AttentionCase,
  parameters: Parameters,
): Promise<Kernel[]> {
  const held = compiled.get(device) ?? new Map<string, Promise<Kernel[]>>();
  compiled.set(device, held);
  const names = variant.names(c, parameters);
  const key = names.join();
  const known = held.get(key);
  if (known) return known;
  const includes = [dirname(kernelPath(variant.file))];
  const kernels = device
    .compileModule(variantSource(variant), { names, fileName: variant.file, includes })
    .then((module) => names.map((name) => module.kernel(name)));
  held.set(key, kernels);
  // A failure is not kept: the next call tries again.
  kernels.catch(() => held.delete(key));
  return kernels;
}
