import type { TimingResult } from "../backend/contract";
import type { InputRecord, OutputRecord } from "../record/schema";
import type { Device } from "../runtime/device";
import type { Tensor } from "../runtime/tensor";
import { flushBuffer, timeWorks } from "./clock";
import { type Contents, contentsOf, type Profile, profileOf } from "./contents";
import { Bound, footprint, type Operands, Originals, operandsOf } from "./sets";
import type { MeasureOptions, MeasureTarget } from "./target";

/** What the lab found in a contender's tensors after its timed runs. */
export interface Seen {
  readonly inputs: readonly InputRecord[];
  readonly outputs: readonly OutputRecord[];
}

interface Before {
  readonly contents: Contents[];
  readonly profiles: (Profile | null)[];
}

interface Entry {
  readonly target: MeasureTarget;
  readonly options: MeasureOptions;
}

/** The most a measurement may take of the device's free memory for copies at other addresses. */
const memoryShare = 0.25;
/** On the CPU device copies cost time: cases beyond this stay where they are, bytes. */
const mostCopied = 2 ** 26;

/**
 * One interleaved measurement: tensors bound, contents hashed, the native loop run, outputs and inputs looked at, and
 * everything put back as the caller had it.
 */
export class Session {
  readonly #device: Device;
  readonly #entries: readonly Entry[];
  readonly #operands: readonly Operands[];
  readonly #originals = new Originals();
  #before: readonly Before[] = [];
  #bound: readonly Bound[] = [];
  #flush: Tensor | null = null;

  private constructor(device: Device, entries: readonly Entry[]) {
    this.#device = device;
    this.#entries = entries;
    this.#operands = entries.map(({ target, options }) => operandsOf(target, options));
  }

  /** Looks at the inputs as the caller made them and keeps a copy, before any of the work has run. */
  static async open(device: Device, entries: readonly Entry[]): Promise<Session> {
    const session = new Session(device, entries);
    const before: Before[] = [];
    for (const { inputs } of session.#operands) {
      const tensors = inputs.map(({ tensor }) => tensor);
      for (const tensor of tensors) session.#originals.of(tensor);
      before.push({
        contents: await contentsOf(device, tensors),
        profiles: await Promise.all(tensors.map(profileOf)),
      });
    }
    session.#before = before;
    return session;
  }

  /** Binds the contenders to their sets of addresses, their inputs as the caller made them. */
  async bind(samples: number): Promise<void> {
    this.#originals.restore(() => true);
    const sets = await setsFor(this.#device, this.#entries);
    this.#bound = this.#entries.map(
      ({ target }, i) =>
        new Bound(target, this.#operands[i]!, Math.min(sets[i]!, samples), {
          device: this.#device,
          originals: this.#originals,
          fresh: samples > sets[i]!,
        }),
    );
  }

  /** The contenders as they are bound. */
  get bound(): readonly Bound[] {
    return this.#bound;
  }

  /** Bytes written between two samples. */
  get flushBytes(): number {
    return this.#flush?.nbytes ?? 0;
  }

  /** Runs the loop; afterwards the caller's inputs are its own again and its outputs those of the last timed run. */
  async time(
    counts: { warmup: number; samples: number; batch: number },
    options: MeasureOptions,
  ): Promise<TimingResult> {
    const sustained = options.mode === "sustained";
    this.#flush = options.flushL2 === false || sustained ? null : flushBuffer(this.#device);
    const works = this.bound.map((bound, i) => bound.record(counts.samples, this.#shares(i)));
    for (const bound of this.bound) bound.roll();
    return timeWorks(this.#device, works, {
      ...counts,
      flush: this.#flush,
      sustained,
      graph: options.graph ?? false,
      refresh: () => {
        for (const bound of this.bound) if (bound.fresh) bound.refresh();
      },
      refreshAt: Math.min(...this.bound.map((bound) => bound.lastOwn(counts.samples))),
    });
  }

  /** Looks at a contender's tensors; its outputs are on the caller's tensors until the next call. */
  async inspect(i: number): Promise<Seen> {
    const bound = this.bound[i]!;
    const { inputs, outputs } = bound.operands;
    bound.restoreOutputs();
    const found = await contentsOf(
      this.#device,
      [...inputs, ...outputs].map(({ tensor }) => tensor),
    );
    const { contents, profiles } = this.#before[i]!;
    return {
      inputs: inputs.map(({ name, tensor }, at) => ({
        name,
        dtype: tensor.dtype,
        elements: tensor.size,
        hash: contents[at]!.hash,
        // What is in place is meant to change.
        changed: !isWritten(tensor, bound.operands) && found[at]!.hash !== contents[at]!.hash,
        profile: profiles[at]!,
      })),
      outputs: outputs.map(({ name, tensor }, at) => {
        const { elements, hash, nan, untouched, zeros } = found[inputs.length + at]!;
        return { name, dtype: tensor.dtype, elements, hash, nan, untouched, zeros };
      }),
    };
  }

  /** Puts inputs back, whatever was done to them, and frees every copy. Safe on a device that was lost. */
  close(): void {
    try {
      const written = this.#operands.flatMap(({ outputs }) => outputs.map(({ tensor }) => tensor.storage));
      this.#originals.restore((tensor) => !written.includes(tensor.storage));
    } catch {
      // The device was lost with all tensors on it; the error that says so is on its way already.
    }
    this.#originals.free();
    for (const bound of this.bound) bound.free();
    this.#flush?.free();
  }

  /** True when another contender writes to this one's outputs. */
  #shares(i: number): boolean {
    const own = new Set(this.bound[i]!.operands.outputs.map(({ tensor }) => tensor.storage));
    return this.bound.some(
      (other, j) => j !== i && other.operands.outputs.some((o) => own.has(o.tensor.storage)),
    );
  }
}

function isWritten(tensor: Tensor, operands: Operands): boolean {
  return operands.outputs.some((output) => output.tensor.storage === tensor.storage);
}

/** Sets of addresses of each contender: as asked, else as many as memory allows and caches call for. */
async function setsFor(device: Device, entries: readonly Entry[]): Promise<number[]> {
  const { free } = await device.memory();
  const room = Math.min(device.kind === "cpu" ? mostCopied : Number.POSITIVE_INFINITY, free * memoryShare);
  return entries.map(({ target, options }) => {
    const bytes = footprint(target);
    if (bytes === null || bytes === 0) return 1;
    const affordable = 1 + Math.floor(room / entries.length / bytes);
    if (options.rotate !== undefined) return Math.max(1, Math.min(Math.floor(options.rotate), affordable));
    // Sustained runs flush nothing: enough sets that one is out of the caches before its turn comes again.
    const wanted =
      options.mode === "sustained" ? Math.min(16, 1 + Math.ceil((2 * device.info.l2Bytes) / bytes)) : 2;
    return options.flushL2 === false && options.mode !== "sustained" ? 1 : Math.min(wanted, affordable);
  });
}
