/** Where a contender's runs read and write: its own tensors, copies at other addresses, and what stands there when. */
import type { TimedWork } from "../backend/contract";
import { LabError } from "../core/error";
import type { Device } from "../runtime/device";
import type { KernelArg, StructArg } from "../runtime/pack";
import type { Storage } from "../runtime/storage";
import { Tensor } from "../runtime/tensor";
import { TensorMap } from "../runtime/tensorMap";
import { type LaunchTarget, launchesOf, type MeasureOptions, type MeasureTarget, workOf } from "./target";

/** A tensor with the name a message gives it. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

/** Tensors a contender reads and writes. A tensor in both is put back before each run instead of being poisoned. */
export interface Operands {
  readonly inputs: readonly NamedTensor[];
  readonly outputs: readonly NamedTensor[];
}

/** Inputs and outputs as declared; undeclared inputs are what the launched kernels take as pointers to const. */
export function operandsOf(target: MeasureTarget, options: MeasureOptions): Operands {
  const launches = launchesOf(target) ?? [];
  const given = launches.flatMap(({ kernel, args }) =>
    kernel.signature.params.map((param, i) => ({ param, arg: args[i] })),
  );
  const nameOf = (tensor: Tensor, kind: string, i: number) =>
    given.find(({ arg }) => arg instanceof Tensor && same(arg, tensor))?.param.name ?? `${kind} ${i}`;
  const named = (tensors: readonly Tensor[], kind: string) =>
    tensors
      .filter((t) => t.contiguous && t.size > 0)
      .map((tensor, i) => ({ name: nameOf(tensor, kind, i), tensor }));
  const outputs = options.outputs ?? [];
  const readOnly: Tensor[] = [];
  for (const { param, arg } of given) {
    if (!(arg instanceof Tensor) || readOnly.some((t) => same(t, arg))) continue;
    // What one launch reads may be what another wrote: only what no launch can write is an input.
    const written = given.some(
      (other) =>
        other.arg instanceof Tensor &&
        other.arg.storage === arg.storage &&
        !/\bconst\b[^*]*\*/.test(other.param.text),
    );
    if (!written && param.type.kind === "pointer") readOnly.push(arg);
  }
  return { inputs: named(options.inputs ?? readOnly, "input"), outputs: named(outputs, "output") };
}

/** True for the same elements of the same memory. */
function same(a: Tensor, b: Tensor): boolean {
  return a.storage === b.storage && a.offset === b.offset && a.nbytes === b.nbytes;
}

/** Copies of inputs as the caller made them, each made once, however many contenders read it. */
export class Originals {
  readonly #kept: { tensor: Tensor; copy: Tensor }[] = [];

  /** The copy of a tensor, made at the first call. */
  of(tensor: Tensor): Tensor {
    const held = this.#kept.find((k) => same(k.tensor, tensor));
    if (held) return held.copy;
    const copy = tensor.device.empty(tensor.shape, { dtype: tensor.dtype }).copyFrom(tensor);
    this.#kept.push({ tensor, copy });
    return copy;
  }

  /** Enqueues the originals of the tensors wanted back where they came from. */
  restore(wanted: (tensor: Tensor) => boolean): void {
    for (const { tensor, copy } of this.#kept) if (wanted(tensor)) tensor.copyFrom(copy);
  }

  free(): void {
    for (const { copy } of this.#kept) copy.free();
  }
}

/** One contender, ready to be timed. */
export class Bound {
  readonly operands: Operands;
  /** How many sets of addresses its runs go round. */
  readonly sets: number;
  /** True when the timed runs see more than one content at the caller's addresses. */
  readonly fresh: boolean;
  readonly #works: (() => void)[];
  readonly #replaced: ((storage: Storage) => Storage)[];
  readonly #originals: Originals;
  readonly #device: Device;
  readonly #owned: Tensor[] = [];
  #kept: { tensor: Tensor; copy: Tensor }[] = [];

  constructor(
    target: MeasureTarget,
    operands: Operands,
    sets: number,
    parts: { device: Device; originals: Originals; fresh: boolean },
  ) {
    this.operands = operands;
    this.#device = parts.device;
    this.#originals = parts.originals;
    const launches = launchesOf(target);
    this.sets = launches && !launches.some(({ args }) => holdsMap(args)) ? sets : 1;
    this.#works = [workOf(target)];
    this.#replaced = [(storage) => storage];
    for (const { tensor } of operands.inputs) this.#originals.of(tensor);
    for (let set = 1; set < this.sets; set++) this.#addSet(launches!);
    this.fresh = parts.fresh && this.#changing().length > 0;
  }

  /** Puts other contents where the caller's inputs are, until `refresh`; the sets' copies differ from each other too. */
  roll(): void {
    if (!this.fresh) return;
    for (let set = 0; set < this.sets; set++) {
      for (const { tensor } of this.#changing())
        copyRolled(this.#at(set, tensor), this.#originals.of(tensor), (set + 1) / (this.sets + 1));
    }
  }

  /** Enqueues the caller's own contents at the caller's addresses. */
  refresh(): void {
    for (const { tensor } of this.#changing()) tensor.copyFrom(this.#originals.of(tensor));
  }

  /** The batches of commands for the timing loop; `shared` keeps the outputs of the last run on the caller's tensors. */
  record(samples: number, shared: boolean): TimedWork {
    const { connection } = this.#device;
    if (shared) {
      this.#kept = this.operands.outputs.map(({ tensor }) => ({
        tensor,
        copy: this.#device.empty(tensor.shape, { dtype: tensor.dtype }),
      }));
      this.#owned.push(...this.#kept.map(({ copy }) => copy));
    }
    const sets = this.#works.map((work) => connection.record(work));
    if (sets.some((batch) => batch.byteLength === 0)) {
      throw new LabError("bad-options", "Timing work: expected it to enqueue something, received nothing.", {
        advice: "Launch with kernel.enqueue(...) in the function itself, not after an await.",
      });
    }
    return {
      sets,
      before: this.#works.map((_, set) => connection.record(() => this.#prepare(set))),
      keep: connection.record(() => {
        for (const { tensor, copy } of this.#kept) copy.copyFrom(tensor);
      }),
      keepAt: this.lastOwn(samples),
    };
  }

  /** The last sample that runs on the caller's own tensors. */
  lastOwn(samples: number): number {
    return Math.floor((samples - 1) / this.sets) * this.sets;
  }

  /** Enqueues the kept outputs back, so that this contender's and no other's are checked. */
  restoreOutputs(): void {
    for (const { tensor, copy } of this.#kept) tensor.copyFrom(copy);
  }

  free(): void {
    for (const tensor of this.#owned) tensor.free();
  }

  /** Enqueues what goes ahead of a run: outputs without a trace of an earlier run, in-place operands as they were. */
  #prepare(set: number): void {
    for (const { tensor } of this.operands.outputs) {
      const at = this.#at(set, tensor);
      if (this.#isInput(tensor)) at.copyFrom(this.#originals.of(tensor));
      // All bits set: NaN in every floating type, -1 in the others.
      else at.as("u8").fill(255);
    }
  }

  /** Inputs whose contents may change: floating values. Whole numbers may be places or counts that must stay valid. */
  #changing(): NamedTensor[] {
    return this.operands.inputs.filter(
      ({ tensor }) =>
        /^(f|bf|e)/.test(tensor.dtype) &&
        tensor.size > 1 &&
        !this.operands.outputs.some((o) => same(o.tensor, tensor)),
    );
  }

  #isInput(tensor: Tensor): boolean {
    return this.operands.inputs.some((input) => same(input.tensor, tensor));
  }

  #at(set: number, tensor: Tensor): Tensor {
    return moved(tensor, this.#replaced[set]!);
  }

  #addSet(launches: readonly LaunchTarget[]): void {
    const copies = new Map<Storage, Storage>();
    const replace = (storage: Storage): Storage => {
      const held = copies.get(storage);
      if (held) return held;
      const copy = this.#device.empty([storage.bytes], { dtype: "u8" });
      this.#owned.push(copy);
      storage.connection.commands.copy(copy.storage.handle, 0, storage.handle, 0, storage.bytes, 0);
      copies.set(storage, copy.storage);
      return copy.storage;
    };
    const own = launches.map(({ kernel, config, args }) => ({
      kernel,
      config,
      args: args.map((arg) => movedArg(arg, replace)),
    }));
    // What no argument reaches stays where it is.
    this.#replaced.push((storage) => copies.get(storage) ?? storage);
    this.#works.push(() => {
      for (const { kernel, config, args } of own) kernel.enqueue(config, ...args);
    });
  }
}

/** Bytes of the memory that a target's arguments reach; null where they cannot be told. */
export function footprint(target: MeasureTarget): number | null {
  const launches = launchesOf(target);
  if (!launches) return null;
  const storages = new Set<Storage>();
  const visit = (arg: KernelArg | undefined): void => {
    if (arg instanceof Tensor) storages.add(arg.storage);
    else if (Array.isArray(arg)) for (const item of arg as readonly KernelArg[]) visit(item);
    else if (isStruct(arg)) for (const item of Object.values(arg)) visit(item);
  };
  for (const { args } of launches) for (const arg of args) visit(arg);
  return [...storages].reduce((sum, storage) => sum + storage.bytes, 0);
}

function isStruct(arg: unknown): arg is StructArg {
  return typeof arg === "object" && arg !== null && !(arg instanceof Tensor) && !(arg instanceof TensorMap);
}

/** A tensor map holds an address that was encoded before: such a launch cannot be moved. */
function holdsMap(args: readonly KernelArg[]): boolean {
  return args.some(
    (arg) =>
      arg instanceof TensorMap ||
      (Array.isArray(arg) && holdsMap(arg as readonly KernelArg[])) ||
      (isStruct(arg) && holdsMap(Object.values(arg))),
  );
}

function movedArg(arg: KernelArg, replace: (storage: Storage) => Storage): KernelArg {
  if (arg instanceof Tensor) return moved(arg, replace);
  if (Array.isArray(arg)) return (arg as readonly KernelArg[]).map((item) => movedArg(item, replace));
  if (!isStruct(arg)) return arg;
  return Object.fromEntries(Object.entries(arg).map(([key, item]) => [key, movedArg(item, replace)]));
}

function moved(tensor: Tensor, replace: (storage: Storage) => Storage): Tensor {
  const storage = replace(tensor.storage);
  if (storage === tensor.storage) return tensor;
  return new Tensor(tensor.device, storage, tensor.dtype, tensor.shape, tensor.strides, tensor.offset);
}

/** Copies a tensor's rows from another, begun at a share of them: the same values, at other places. */
function copyRolled(to: Tensor, from: Tensor, share: number): void {
  const rowLength = from.shape.length > 1 ? (from.shape.at(-1) ?? 1) : 1;
  const [rows, width] = from.size > rowLength ? [from.size / rowLength, rowLength] : [from.size, 1];
  const shift = Math.max(1, Math.floor(rows * share)) * width * (from.nbytes / from.size);
  const { connection, handle } = to.storage;
  const source = from.storage.handle;
  connection.commands.copy(handle, to.offset, source, from.offset + shift, from.nbytes - shift, 0);
  connection.commands.copy(handle, to.offset + from.nbytes - shift, source, from.offset, shift, 0);
}
