import type { Dim3 } from "./contract";

/** Version of the command stream and the requests beside it; the same as kCommandVersion in native/core/commands.h. */
export const commandVersion = 2;

/** Command numbers, as `Op` in native/core/commands.h. */
export const Op = {
  alloc: 1,
  free: 2,
  fillPattern: 3,
  fillRandom: 4,
  upload: 5,
  download: 6,
  copy: 7,
  launch: 8,
  eventRecord: 9,
  streamCreate: 10,
  streamDestroy: 11,
  streamWait: 12,
  graphBegin: 13,
  graphEnd: 14,
  graphLaunch: 15,
  graphDestroy: 16,
  tensorMap: 17,
  eventDestroy: 18,
} as const;

/** Bits of a launch's flags. */
export const LaunchFlag = { cooperative: 1, programmatic: 2 } as const;

/** A device address or tensor map that the device writes into the argument block. */
export interface Patch {
  readonly offset: number;
  readonly kind: "buffer" | "tensorMap";
  readonly handle: number;
  /** Bytes added to the buffer's address. */
  readonly delta: number;
}

/** A launch ready to encode: sizes checked, arguments packed as the kernel's C struct lays them out. */
export interface LaunchCommand {
  readonly kernel: number;
  readonly stream: number;
  readonly grid: Dim3;
  readonly block: Dim3;
  readonly cluster: Dim3 | null;
  readonly dynamicShared: number;
  readonly flags: number;
  readonly args: Uint8Array;
  readonly patches: readonly Patch[];
}

/** Seeded fill; `distribution` 0 normal(a, b), 1 uniform [a, b), 2 integers [a, b). */
export interface RandomFill {
  readonly buffer: number;
  readonly dtype: number;
  readonly offset: number;
  readonly count: number;
  readonly seed: bigint;
  readonly distribution: 0 | 1 | 2;
  readonly stream: number;
  readonly a: number;
  readonly b: number;
  readonly outlierFraction: number;
  readonly outlierScale: number;
}

/** Arguments of cuTensorMapEncodeTiled; dims innermost first, strides in bytes of dims 1..rank-1. */
export interface TensorMapCommand {
  readonly map: number;
  readonly buffer: number;
  readonly offset: number;
  readonly dataType: number;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
  readonly box: readonly number[];
  readonly elementStrides: readonly number[];
  readonly interleave: number;
  readonly swizzle: number;
  readonly l2Promotion: number;
  readonly oobFill: number;
}

/** Bytes at which a batch is worth sending without waiting for the end of the turn. */
export const batchBytes = 64 * 1024;

/** Where a launch record keeps its kernel handle. */
export const kernelOffset = 8;

const littleEndian = true;
const twoTo32 = 2 ** 32;

/**
 * Writes commands into a growing batch, laid out as native/core/commands.h says.
 *
 * `onWrite` is told after each command how many bytes are waiting, so that the owner can send them in time.
 */
export class CommandEncoder {
  #bytes: Uint8Array;
  #view: DataView;
  #words: Uint32Array;
  #at = 0;
  readonly #onWrite: (pending: number) => void;

  constructor(onWrite: (pending: number) => void = () => {}, capacity = 2 * batchBytes) {
    this.#onWrite = onWrite;
    const buffer = new ArrayBuffer(capacity);
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#words = new Uint32Array(buffer);
  }

  /** Bytes written and not yet taken. */
  get pending(): number {
    return this.#at;
  }

  /** The batch so far, valid until the next command is written, and an empty encoder. */
  take(): Uint8Array {
    const batch = this.#bytes.subarray(0, this.#at);
    this.#at = 0;
    return batch;
  }

  /** Drops what was not taken; for a device that is gone. */
  clear(): void {
    this.#at = 0;
  }

  alloc(buffer: number, bytes: number): void {
    const at = this.#open(Op.alloc, 24);
    this.#u32(at + 8, buffer);
    this.#u32(at + 12, 0);
    this.#u64(at + 16, bytes);
    this.#onWrite(this.#at);
  }

  free(buffer: number): void {
    this.#pair(Op.free, buffer, 0);
  }

  fillPattern(
    buffer: number,
    width: number,
    offset: number,
    count: number,
    pattern: bigint,
    stream: number,
  ): void {
    const at = this.#open(Op.fillPattern, 48);
    this.#u32(at + 8, buffer);
    this.#u32(at + 12, width);
    this.#u64(at + 16, offset);
    this.#u64(at + 24, count);
    this.#view.setBigUint64(at + 32, pattern, littleEndian);
    this.#u32(at + 40, stream);
    this.#u32(at + 44, 0);
    this.#onWrite(this.#at);
  }

  fillRandom(fill: RandomFill): void {
    const at = this.#open(Op.fillRandom, 80);
    this.#u32(at + 8, fill.buffer);
    this.#u32(at + 12, fill.dtype);
    this.#u64(at + 16, fill.offset);
    this.#u64(at + 24, fill.count);
    this.#view.setBigUint64(at + 32, fill.seed, littleEndian);
    this.#u32(at + 40, fill.distribution);
    this.#u32(at + 44, fill.stream);
    this.#view.setFloat64(at + 48, fill.a, littleEndian);
    this.#view.setFloat64(at + 56, fill.b, littleEndian);
    this.#view.setFloat64(at + 64, fill.outlierFraction, littleEndian);
    this.#view.setFloat64(at + 72, fill.outlierScale, littleEndian);
    this.#onWrite(this.#at);
  }

  upload(buffer: number, offset: number, staging: number, bytes: number, stream: number): void {
    this.#transfer(Op.upload, buffer, offset, staging, bytes, stream);
  }

  download(buffer: number, offset: number, staging: number, bytes: number, stream: number): void {
    this.#transfer(Op.download, buffer, offset, staging, bytes, stream);
  }

  copy(dst: number, dstOffset: number, src: number, srcOffset: number, bytes: number, stream: number): void {
    const at = this.#open(Op.copy, 48);
    this.#u32(at + 8, dst);
    this.#u32(at + 12, src);
    this.#u64(at + 16, dstOffset);
    this.#u64(at + 24, srcOffset);
    this.#u64(at + 32, bytes);
    this.#u32(at + 40, stream);
    this.#u32(at + 44, 0);
    this.#onWrite(this.#at);
  }

  /** Encodes a launch. */
  launch(command: LaunchCommand): void {
    const { args, patches, grid, block, cluster } = command;
    const padded = (args.byteLength + 7) & ~7;
    const at = this.#open(Op.launch, 72 + padded + 24 * patches.length);
    const words = this.#words;
    let word = (at >> 2) + 2;
    words[word++] = command.kernel;
    words[word++] = command.stream;
    words[word++] = grid[0];
    words[word++] = grid[1];
    words[word++] = grid[2];
    words[word++] = block[0];
    words[word++] = block[1];
    words[word++] = block[2];
    words[word++] = cluster ? cluster[0] : 0;
    words[word++] = cluster ? cluster[1] : 0;
    words[word++] = cluster ? cluster[2] : 0;
    words[word++] = command.dynamicShared;
    words[word++] = command.flags;
    words[word++] = args.byteLength;
    words[word++] = patches.length;
    words[word++] = 0;
    this.#bytes.set(args, at + 72);
    word = (at + 72 + padded) >> 2;
    for (let i = 0; i < patches.length; i++) {
      const patch = patches[i]!;
      words[word++] = patch.offset;
      words[word++] = patch.kind === "buffer" ? 0 : 1;
      words[word++] = patch.handle;
      words[word++] = 0;
      words[word++] = patch.delta >>> 0;
      words[word++] = Math.floor(patch.delta / twoTo32);
    }
    this.#onWrite(this.#at);
  }

  /** Overwrites one word of the batch; used when a kernel's handle becomes known after its launch was written. */
  setWord(at: number, value: number): void {
    this.#u32(at, value);
  }

  eventRecord(event: number, stream: number): void {
    this.#pair(Op.eventRecord, event, stream);
  }

  eventDestroy(event: number): void {
    this.#pair(Op.eventDestroy, event, 0);
  }

  streamCreate(stream: number): void {
    this.#pair(Op.streamCreate, stream, 0);
  }

  streamDestroy(stream: number): void {
    this.#pair(Op.streamDestroy, stream, 0);
  }

  streamWait(stream: number, event: number): void {
    this.#pair(Op.streamWait, stream, event);
  }

  graphBegin(stream: number): void {
    this.#pair(Op.graphBegin, 0, stream);
  }

  graphEnd(graph: number, stream: number): void {
    this.#pair(Op.graphEnd, graph, stream);
  }

  graphLaunch(graph: number, stream: number): void {
    this.#pair(Op.graphLaunch, graph, stream);
  }

  graphDestroy(graph: number): void {
    this.#pair(Op.graphDestroy, graph, 0);
  }

  tensorMap(map: TensorMapCommand): void {
    const at = this.#open(Op.tensorMap, 160);
    this.#u32(at + 8, map.map);
    this.#u32(at + 12, map.buffer);
    this.#u64(at + 16, map.offset);
    this.#u32(at + 24, map.dataType);
    this.#u32(at + 28, map.dims.length);
    for (let i = 0; i < 5; i++) this.#u64(at + 32 + 8 * i, map.dims[i] ?? 0);
    for (let i = 0; i < 4; i++) this.#u64(at + 72 + 8 * i, map.strides[i] ?? 0);
    for (let i = 0; i < 5; i++) this.#u32(at + 104 + 4 * i, map.box[i] ?? 0);
    for (let i = 0; i < 5; i++) this.#u32(at + 124 + 4 * i, map.elementStrides[i] ?? 0);
    this.#u32(at + 144, map.interleave);
    this.#u32(at + 148, map.swizzle);
    this.#u32(at + 152, map.l2Promotion);
    this.#u32(at + 156, map.oobFill);
    this.#onWrite(this.#at);
  }

  #pair(op: number, first: number, second: number): void {
    const at = this.#open(op, 16);
    this.#u32(at + 8, first);
    this.#u32(at + 12, second);
    this.#onWrite(this.#at);
  }

  #transfer(
    op: number,
    buffer: number,
    offset: number,
    staging: number,
    bytes: number,
    stream: number,
  ): void {
    const at = this.#open(op, 40);
    this.#u32(at + 8, buffer);
    this.#u32(at + 12, stream);
    this.#u64(at + 16, offset);
    this.#u64(at + 24, staging);
    this.#u64(at + 32, bytes);
    this.#onWrite(this.#at);
  }

  #open(op: number, bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#bytes.length) this.#grow(at + bytes);
    this.#at = at + bytes;
    this.#words[at >> 2] = op;
    this.#words[(at >> 2) + 1] = bytes;
    return at;
  }

  #grow(needed: number): void {
    const buffer = new ArrayBuffer(2 ** Math.ceil(Math.log2(needed)) * 2);
    const bytes = new Uint8Array(buffer);
    bytes.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = bytes;
    this.#view = new DataView(buffer);
    this.#words = new Uint32Array(buffer);
  }

  #u32(at: number, value: number): void {
    this.#words[at >> 2] = value;
  }

  #u64(at: number, value: number): void {
    this.#words[at >> 2] = value >>> 0;
    this.#words[(at >> 2) + 1] = Math.floor(value / twoTo32);
  }
}
