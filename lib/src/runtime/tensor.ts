import { bytesOf, type DType, decode, dtypeInfo, dtypes, encode, type TypedArray } from "../core/dtype";
import { describeValue, LabError } from "../core/error";
import { checkShape, contiguousStrides, isContiguous, type Shape, sizeOf } from "../core/shape";
import type { Device } from "./device";
import type { Storage } from "./storage";
import type { Stream } from "./stream";

/** Numbers to fill a tensor with: a typed array, an array, or nested arrays. */
export type TensorData = ArrayLike<number> | ArrayLike<bigint> | NestedArray;
/** Arrays of arrays of numbers, all rows of one length. */
export type NestedArray = ReadonlyArray<number | bigint | NestedArray>;

/**
 * An array in device memory.
 *
 * Commands on it are enqueued and run in order with kernel launches; `read()` waits. A view made by `slice`,
 * `reshape` or `as` shares its memory. Errors: "freed-tensor", "device-lost", "wrong-dtype", "invalid-shape".
 *
 * @example
 * const x = dev.tensor([[1, 2], [3, 4]]);
 * x.slice(1).fill(0);
 * await x.read();                      // Float32Array [1, 2, 0, 0]
 */
export class Tensor {
  readonly device: Device;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Elements from one index to the next, by axis. */
  readonly strides: readonly number[];
  /** @internal */
  readonly storage: Storage;
  /** @internal Bytes from the start of the storage. */
  readonly offset: number;

  /** @internal Made by `Device`. */
  constructor(
    device: Device,
    storage: Storage,
    dtype: DType,
    shape: readonly number[],
    strides: readonly number[] = contiguousStrides(shape),
    offset = 0,
  ) {
    this.device = device;
    this.storage = storage;
    this.dtype = dtype;
    this.shape = shape;
    this.strides = strides;
    this.offset = offset;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** Bytes of its elements. */
  get nbytes(): number {
    return this.size * dtypes[this.dtype].bytes;
  }

  /** True when the elements lie densely in row-major order. */
  get contiguous(): boolean {
    return isContiguous(this.shape, this.strides);
  }

  /**
   * Reads the elements in row-major order, after everything enqueued before: f16 and bf16 as float32, fp8 as bytes,
   * i64 as bigints. Rejects with the first error of the work before it.
   */
  async read(): Promise<TypedArray> {
    return decode(await this.readRaw(), this.dtype);
  }

  /**
   * Reads the elements' bytes as the device keeps them; into `target` when given (of exactly `nbytes` bytes, the tensor
   * contiguous), which spares a large new array.
   */
  async readRaw(target?: Uint8Array): Promise<Uint8Array> {
    this.#check("read");
    const width = dtypes[this.dtype].bytes;
    const bytes = spanOf(this) * width;
    if (target && (target.byteLength !== bytes || !this.contiguous)) {
      throw new LabError(
        "invalid-shape",
        `Expected an array of ${this.nbytes} bytes and a contiguous tensor to read ${this}.`,
      );
    }
    const into = target ?? this.#arrayOf(bytes);
    await this.storage.connection.download(this.storage.handle, this.offset, into, 0);
    return this.contiguous ? into : gather(into, this.shape, this.strides, width);
  }

  #arrayOf(bytes: number): Uint8Array {
    try {
      return new Uint8Array(bytes);
    } catch (cause) {
      throw new LabError(
        "out-of-memory",
        `Reading ${this}: one array of this process cannot hold its ${bytes} bytes.`,
        { advice: "Read it in pieces, with slice().", cause },
      );
    }
  }

  /**
   * Replaces the elements, converting numbers to the dtype. The data of a large array is read until the promise
   * resolves, so await it before changing the array.
   */
  async write(data: TensorData): Promise<void> {
    await this.upload(data, true);
  }

  /** @internal Enqueues an upload; `borrow` reads from the caller's array until done. */
  upload(data: TensorData, borrow: boolean): Promise<void> {
    this.#check("write to");
    this.#dense("write to");
    const flat = flatten(data).values;
    if (flat.length !== this.size) {
      throw new LabError(
        "invalid-shape",
        `Expected ${this.size} elements for a tensor of shape [${this.shape.join(", ")}] but received ${flat.length}.`,
      );
    }
    const bytes = encode(flat, this.dtype);
    const own = ArrayBuffer.isView(flat) && flat.buffer === bytes.buffer;
    this.storage.written = true;
    return this.storage.connection.upload(this.storage.handle, this.offset, bytes, 0, borrow || !own);
  }

  /** Sets every element to a value. */
  fill(value: number | bigint, stream?: Stream): this {
    this.#check("fill");
    this.#dense("fill");
    const width = dtypes[this.dtype].bytes;
    const raw = encode(typeof value === "bigint" ? [value] : [value], this.dtype);
    let pattern = 0n;
    for (let i = width - 1; i >= 0; i--) pattern = (pattern << 8n) | BigInt(raw[i]!);
    const { connection, handle } = this.storage;
    this.storage.written = true;
    connection.commands.fillPattern(
      handle,
      width,
      this.offset,
      this.size,
      pattern,
      stream?.use(connection) ?? 0,
    );
    return this;
  }

  /** Copies the elements of another tensor of the same dtype and size on the same device. */
  copyFrom(source: Tensor, stream?: Stream): this {
    this.#check("copy to");
    source.storage.check(this.storage.connection, "The tensor to copy from");
    this.#dense("copy to");
    source.#dense("copy from");
    if (source.dtype !== this.dtype || source.size !== this.size) {
      throw new LabError("wrong-dtype", `Cannot copy ${source} to ${this}: dtype and size must agree.`);
    }
    const { connection, handle } = this.storage;
    const on = stream?.use(connection) ?? 0;
    this.storage.written = true;
    connection.commands.copy(handle, this.offset, source.storage.handle, source.offset, this.nbytes, on);
    return this;
  }

  /** The same elements in another shape; one extent may be -1. The tensor must be contiguous. */
  reshape(shape: Shape): Tensor {
    this.#dense("reshape");
    const known = sizeOf(shape.filter((extent) => extent !== -1));
    const extents = checkShape(
      shape.map((extent) => (extent === -1 && known > 0 ? this.size / known : extent)),
    );
    if (sizeOf(extents) !== this.size) {
      throw new LabError(
        "invalid-shape",
        `Cannot reshape [${this.shape.join(", ")}] to [${shape.join(", ")}].`,
      );
    }
    return new Tensor(this.device, this.storage, this.dtype, extents, undefined, this.offset);
  }

  /** View of the indices `start` to `end` (exclusive) of the first axis. */
  slice(start: number, end: number = this.shape[0] ?? 0): Tensor {
    const length = this.shape[0] ?? 0;
    if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end > length || start > end) {
      throw new LabError("invalid-shape", `Cannot take ${start} to ${end} of an axis of ${length}.`);
    }
    const offset = this.offset + start * (this.strides[0] ?? 1) * dtypes[this.dtype].bytes;
    const shape = Object.freeze([end - start, ...this.shape.slice(1)]);
    return new Tensor(this.device, this.storage, this.dtype, shape, this.strides, offset);
  }

  /** View with the axes in another order; the default reverses them. */
  transpose(axes: readonly number[] = this.shape.map((_, axis) => this.shape.length - 1 - axis)): Tensor {
    if ([...axes].sort((a, b) => a - b).some((axis, i) => axis !== i) || axes.length !== this.shape.length) {
      throw new LabError(
        "invalid-shape",
        `Expected each axis of [${this.shape.join(", ")}] once but received [${axes.join(", ")}].`,
      );
    }
    const pick = (from: readonly number[]): readonly number[] =>
      Object.freeze(axes.map((axis) => from[axis]!));
    return new Tensor(
      this.device,
      this.storage,
      this.dtype,
      pick(this.shape),
      pick(this.strides),
      this.offset,
    );
  }

  /** The same bytes as another dtype of the same or a smaller width, as a cast of the pointer does. */
  as(dtype: DType): Tensor {
    this.#dense("reinterpret");
    const from = dtypes[this.dtype].bytes;
    const to = dtypeInfo(dtype).bytes;
    const last = ((this.shape.at(-1) ?? 1) * from) / to;
    if (!Number.isInteger(last)) {
      throw new LabError("invalid-shape", `A row of ${this} is not a whole number of ${dtype} elements.`);
    }
    return new Tensor(
      this.device,
      this.storage,
      dtype,
      Object.freeze([...this.shape.slice(0, -1), last]),
      undefined,
      this.offset,
    );
  }

  /** Gives the memory back now; views of it become unusable too. Safe to call twice. */
  free(): void {
    this.storage.free();
  }

  /** True after `free()`. */
  get freed(): boolean {
    return this.storage.freed;
  }

  toString(): string {
    return `Tensor ${this.dtype}[${this.shape.join(", ")}]`;
  }

  /** How Node and notebooks print it. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `${this}${this.freed ? " (freed)" : ""} on ${this.device.name}`;
  }

  #check(doing: string): void {
    const { connection } = this.storage;
    connection.ensure();
    this.storage.check(connection, `The tensor to ${doing} (${this})`);
  }

  #dense(doing: string): void {
    if (!this.contiguous) {
      throw new LabError(
        "not-contiguous",
        `Cannot ${doing} ${this}: its strides are [${this.strides.join(", ")}].`,
        {
          advice: "Use the tensor it is a view of, or copy: device.tensor(await t.read(), t.shape).",
        },
      );
    }
  }
}

/** Elements from the first to the last in memory, gaps included. */
function spanOf(tensor: Tensor): number {
  if (tensor.size === 0) return 0;
  return tensor.shape.reduce((span, extent, axis) => span + (extent - 1) * tensor.strides[axis]!, 1);
}

function gather(bytes: Uint8Array, shape: Shape, strides: readonly number[], width: number): Uint8Array {
  const out = new Uint8Array(sizeOf(shape) * width);
  const index = new Array<number>(shape.length).fill(0);
  for (let to = 0, from = 0; to < out.length; to += width) {
    for (let i = 0; i < width; i++) out[to + i] = bytes[from * width + i]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

/** Flattens nested arrays and answers their shape; typed arrays stay as they are. */
export function flatten(data: TensorData): {
  values: ArrayLike<number> | ArrayLike<bigint>;
  shape: number[];
} {
  if (ArrayBuffer.isView(data)) {
    const view = data as unknown as ArrayLike<number> & ArrayBufferView;
    return view instanceof DataView
      ? { values: bytesOf(view), shape: [view.byteLength] }
      : { values: view, shape: [view.length] };
  }
  if (!Array.isArray(data)) {
    throw new LabError(
      "wrong-argument-type",
      `Expected an array of numbers but received ${describeValue(data)}.`,
    );
  }
  const shape: number[] = [];
  for (let level: unknown = data; Array.isArray(level); level = level[0]) shape.push(level.length);
  const values = shape.length === 1 ? data : data.flat(shape.length - 1);
  const ragged =
    values.length !== sizeOf(shape) ||
    values.some((value) => typeof value !== "number" && typeof value !== "bigint");
  if (ragged) {
    throw new LabError("invalid-shape", "Expected nested arrays of numbers with rows of one length.");
  }
  return { values, shape };
}
