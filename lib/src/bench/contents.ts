import { type DType, dtypeInfo } from "../core/dtype";
import type { Device } from "../runtime/device";
import type { Kernel } from "../runtime/kernel";
import type { Tensor } from "../runtime/tensor";

/** What a tensor holds, counted on the device. */
export interface Contents {
  readonly elements: number;
  /** 64 bits over values and places, in hexadecimal: equal for equal contents. */
  readonly hash: string;
  readonly nan: number;
  /** Elements with every bit set: the poison, if it was there before. */
  readonly untouched: number;
  readonly zeros: number;
}

/** Infinity of each floating type without its sign: every larger pattern is NaN. */
const infinity: Partial<Record<DType, bigint>> = {
  f16: 0x7c00n,
  bf16: 0x7f80n,
  f32: 0x7f800000n,
  f64: 0x7ff0000000000000n,
  // e4m3 has no infinity: the largest number is 0x7e.
  e4m3: 0x7en,
  e5m2: 0x7cn,
};

const probes = new WeakMap<Device, Promise<Kernel>>();

function probe(device: Device): Promise<Kernel> {
  let held = probes.get(device);
  if (!held) {
    held = device.compileFile("probes/contents.cu", { name: "contents" });
    probes.set(device, held);
    held.catch(() => probes.delete(device));
  }
  return held;
}

/**
 * Hashes tensors and counts their NaN, zero and untouched elements, on their device.
 *
 * @param tensors contiguous tensors of one device
 * @example const [before] = await contentsOf(dev, [x]); before.hash
 */
export async function contentsOf(device: Device, tensors: readonly Tensor[]): Promise<Contents[]> {
  if (tensors.length === 0) return [];
  const kernel = await probe(device);
  const sums = device.zeros([tensors.length, 4], { dtype: "i64" });
  try {
    const grid = device.kind === "cuda" ? 4 * device.info.multiprocessors : 4 * (device.info.workers ?? 1);
    for (const [i, tensor] of tensors.entries()) {
      const { bytes } = dtypeInfo(tensor.dtype);
      const flat = tensor.as("u8");
      kernel.enqueue(
        { grid, block: 256 },
        flat,
        BigInt(tensor.size),
        bytes,
        infinity[tensor.dtype] ?? 0n,
        sums.slice(i, i + 1),
      );
    }
    const found = (await sums.read()) as BigInt64Array;
    return tensors.map((tensor, i) => ({
      elements: tensor.size,
      hash: BigInt.asUintN(64, found[4 * i]!)
        .toString(16)
        .padStart(16, "0"),
      nan: Number(found[4 * i + 1]),
      untouched: Number(found[4 * i + 2]),
      zeros: Number(found[4 * i + 3]),
    }));
  } finally {
    sums.free();
  }
}

/** How a tensor's values are spread, from a sample of them. */
export interface Profile {
  /** Share of zeros. */
  readonly zeros: number;
  /** Different values among `sampled`. */
  readonly distinct: number;
  readonly sampled: number;
  /** Fourth moment over the square of the second: 1.8 for an even spread, 3 for normal values, more with outliers. */
  readonly kurtosis: number | null;
}

/** Values read off a tensor to profile it: enough to tell 1.8 from 3, few enough to cost nothing. */
const sampledValues = 4096;
const pieces = 4;

/** Profiles a contiguous tensor of a floating type by four runs of its values; null for other types and empty ones. */
export async function profileOf(tensor: Tensor): Promise<Profile | null> {
  if (!(tensor.dtype in infinity) || tensor.dtype.startsWith("e") || tensor.size === 0) return null;
  const flat = tensor.reshape([tensor.size]);
  const length = Math.min(tensor.size, sampledValues / pieces);
  const starts =
    tensor.size <= sampledValues
      ? [0]
      : Array.from({ length: pieces }, (_, i) => Math.floor(((tensor.size - length) * i) / (pieces - 1)));
  const end = tensor.size <= sampledValues ? tensor.size : length;
  const parts = await Promise.all(starts.map((start) => flat.slice(start, start + end).read()));
  return profile(parts.flatMap((part) => Array.from(part as Float32Array)));
}

/** Profiles values. */
export function profile(values: readonly number[]): Profile {
  const count = values.length;
  const mean = values.reduce((sum, x) => sum + x, 0) / count;
  const moment = (power: number) => values.reduce((sum, x) => sum + (x - mean) ** power, 0) / count;
  const variance = moment(2);
  const kurtosis = variance > 0 ? moment(4) / variance ** 2 : Number.NaN;
  return {
    zeros: values.filter((x) => x === 0).length / count,
    distinct: new Set(values).size,
    sampled: count,
    kurtosis: Number.isFinite(kurtosis) ? kurtosis : null,
  };
}
