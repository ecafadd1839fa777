import type { TensorMapCommand } from "../backend/commands";
import type { Connection } from "../backend/connection";
import { type DType, dtypes } from "../core/dtype";
import { LabError } from "../core/error";
import type { Tensor } from "./tensor";

/** How TMA lays a tile out in shared memory. */
export interface TensorMapOptions {
  /** Extents of one tile, slowest axis first as the tensor's shape; each 1 to 256. */
  readonly box: readonly number[];
  /** Swizzle span in bytes; the inner box may not be wider. Default 0: none. */
  readonly swizzle?: 0 | 32 | 64 | 128;
  /** Bytes that the L2 cache fetches at once. Default 128. */
  readonly l2Promotion?: 0 | 64 | 128 | 256;
  /** What elements outside the tensor read as. Default "zero". */
  readonly outOfBounds?: "zero" | "nan";
  /** Steps between elements taken, by axis; default all 1. */
  readonly elementStrides?: readonly number[];
}

/** The driver's CUtensorMapDataType; fp8 travels as bytes. */
const dataTypes: Record<DType, number> = {
  u8: 0,
  i8: 0,
  e4m3: 0,
  e5m2: 0,
  u32: 2,
  i32: 3,
  i64: 5,
  f16: 6,
  f32: 7,
  f64: 8,
  bf16: 9,
};
const swizzles = { 0: 0, 32: 1, 64: 2, 128: 3 };
const promotions = { 0: 0, 64: 1, 128: 2, 256: 3 };

/** A description of a tensor's tiles for TMA, given to a kernel as `const __grid_constant__ CUtensorMap`. */
export class TensorMap {
  readonly tensor: Tensor;
  /** @internal How it was made. */
  readonly command: TensorMapCommand;

  /** @internal Made by `tensorMap()`. */
  constructor(tensor: Tensor, command: TensorMapCommand) {
    this.tensor = tensor;
    this.command = command;
  }

  /** @internal The handle for a launch. */
  use(connection: Connection): number {
    this.tensor.storage.check(connection, `The tensor of a tensor map (${this.tensor})`);
    return this.command.map;
  }

  toString(): string {
    return `TensorMap of ${this.tensor}`;
  }
}

/**
 * Makes a tensor map of a tensor of rank 1 to 5 whose inner axis is dense. Throws "invalid-tensor-map" where TMA's
 * rules (alignment of address and strides, box limits) are broken.
 *
 * @example
 * const map = lab.tensorMap(a, { box: [128, 64], swizzle: 128 });
 * await gemm.launch({ grid: 132, block: 384, shared: 200_000 }, map);
 */
export function tensorMap(tensor: Tensor, options: TensorMapOptions): TensorMap {
  const width = dtypes[tensor.dtype].bytes;
  const rank = tensor.shape.length;
  const swizzle = options.swizzle ?? 0;
  const steps = options.elementStrides ?? tensor.shape.map(() => 1);
  const strides = tensor.strides.map((stride) => stride * width);
  const inner = (options.box.at(-1) ?? 0) * width;
  const rules: [boolean, string][] = [
    [rank >= 1 && rank <= 5, `rank 1 to 5, and ${tensor} has ${rank}`],
    [options.box.length === rank, `a box of ${rank} extents, and it has ${options.box.length}`],
    [
      options.box.every((n) => Number.isInteger(n) && n >= 1 && n <= 256),
      `box extents from 1 to 256, and they are [${options.box.join(", ")}]`,
    ],
    [
      steps.length === rank && steps.every((n) => Number.isInteger(n) && n >= 1 && n <= 8),
      "element strides from 1 to 8, one an axis",
    ],
    [tensor.strides.at(-1) === 1 || tensor.shape.at(-1) === 1, "a dense inner axis"],
    [
      tensor.offset % 16 === 0,
      `an address that is a multiple of 16 bytes, and the view starts at byte ${tensor.offset}`,
    ],
    [tensor.shape.every((n) => n >= 1 && n <= 2 ** 32), "extents from 1 to 2^32"],
    [
      strides.slice(0, -1).every((n) => n % 16 === 0 && n < 2 ** 40),
      `strides that are multiples of 16 bytes, and they are [${strides.join(", ")}]`,
    ],
    [inner % 16 === 0, `an inner box of a multiple of 16 bytes, and it has ${inner}`],
    [
      swizzle in swizzles && (swizzle === 0 || inner <= swizzle),
      `an inner box of at most ${swizzle} bytes for this swizzle, and it has ${inner}`,
    ],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken) {
    throw new LabError("invalid-tensor-map", `A tensor map needs ${broken[1]}.`, {
      advice:
        "See cuTensorMapEncodeTiled in CUDA's driver API for the rules; padding the inner axis often helps.",
    });
  }
  const { connection } = tensor.storage;
  connection.ensure();
  tensor.storage.check(connection, `The tensor of a tensor map (${tensor})`);
  tensor.storage.written = true;
  const command: TensorMapCommand = {
    map: connection.handle(),
    buffer: tensor.storage.handle,
    offset: tensor.offset,
    dataType: dataTypes[tensor.dtype],
    dims: [...tensor.shape].reverse(),
    strides: strides.slice(0, -1).reverse(),
    box: [...options.box].reverse(),
    elementStrides: [...steps].reverse(),
    interleave: 0,
    swizzle: swizzles[swizzle],
    l2Promotion: promotions[options.l2Promotion ?? 128],
    oobFill: options.outOfBounds === "nan" ? 1 : 0,
  };
  connection.commands.tensorMap(command);
  return new TensorMap(tensor, command);
}
