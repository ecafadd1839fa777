import type { Step, StepBlock, StepRequest, StepTrace, StepValue } from "../trace";

/** Whether a warp runs at a tick, waits for the others at a barrier, has not begun or has ended. */
export type WarpState = "runs" | "waits" | "ended" | "before";

/** A warp at a tick: its state, and the step it runs or ran last. */
export interface WarpNow {
  readonly state: WarpState;
  readonly step: Step | null;
  readonly index: number;
}

/** A value in shared memory: who put it there, on which line and when. */
export interface Cell {
  readonly value: StepValue;
  readonly thread: number;
  readonly line: number;
  readonly tick: number;
}

/** One lane's part of a request, in elements of the target. */
export interface Touch {
  readonly lane: number;
  readonly element: number;
  readonly count: number;
  readonly values: readonly StepValue[];
}

/** The lanes of a mask. */
export function lanesOf(mask: number): number[] {
  const lanes: number[] = [];
  for (let lane = 0; lane < 32; lane++) if ((mask >>> lane) & 1) lanes.push(lane);
  return lanes;
}

/** Byte offsets of a request, one for each lane of its mask. */
export function offsetsOf([, , , mask, offset, stride]: StepRequest): number[] {
  return lanesOf(mask).map((_, i) => (typeof offset === "number" ? offset + i * stride : offset[i]!));
}

/** A request lane by lane. */
export function touchesOf(request: StepRequest, elementBytes: number): Touch[] {
  const [, , bytes, mask] = request;
  const offsets = offsetsOf(request);
  const count = Math.max(1, Math.round(bytes / elementBytes));
  const values = request[6] ?? [];
  return lanesOf(mask).map((lane, i) => ({
    lane,
    element: Math.floor(offsets[i]! / elementBytes),
    count,
    values: values.slice(i * count, (i + 1) * count),
  }));
}

interface Write extends Cell {
  readonly target: number;
  readonly element: number;
  /** Of an atomic: when it was done. */
  readonly order: number;
}

/** A recorded block, asked by tick. */
export class Model {
  readonly block: StepBlock;
  readonly #writes: Write[] = [];
  readonly #ranges = new Map<number, readonly [number, number]>();
  readonly #memory = new Map<number, Map<number, Cell>>();
  #applied = 0;

  constructor(
    readonly trace: StepTrace,
    which = 0,
  ) {
    this.block = trace.blocks[which]!;
    this.#collectWrites();
  }

  get last(): number {
    return Math.max(0, this.block.ticks - 1);
  }

  /** The warp at a tick. */
  at(warp: number, tick: number): WarpNow {
    const steps = this.block.warps[warp]!;
    let low = -1;
    let high = steps.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (steps[middle]![1] <= tick) low = middle;
      else high = middle - 1;
    }
    const step = steps[low] ?? null;
    if (!step) return { state: "before", step, index: low };
    if (step[1] === tick) return { state: "runs", step, index: low };
    return { state: low === steps.length - 1 ? "ended" : "waits", step, index: low };
  }

  /** First tick of the stretch between barriers that a tick lies in. */
  phaseStart(tick: number): number {
    return this.block.barriers.filter((at) => at <= tick).at(-1) ?? 0;
  }

  /** First tick of the next stretch; the last tick where there is none. */
  nextBarrier(tick: number): number {
    return this.block.barriers.find((at) => at > tick) ?? this.last;
  }

  /** First tick of this stretch, or of the one before when already there. */
  previousBarrier(tick: number): number {
    return this.block.barriers.filter((at) => at < tick).at(-1) ?? 0;
  }

  /** What a shared array holds once the tick is over. */
  memory(target: number, tick: number): ReadonlyMap<number, Cell> {
    // Forwards from where it stands; backwards from the beginning, which is quick enough for any page.
    if (this.#applied > 0 && this.#writes[this.#applied - 1]!.tick > tick) {
      this.#applied = 0;
      this.#memory.clear();
    }
    for (
      ;
      this.#applied < this.#writes.length && this.#writes[this.#applied]!.tick <= tick;
      this.#applied++
    ) {
      const write = this.#writes[this.#applied]!;
      let cells = this.#memory.get(write.target);
      if (!cells) {
        cells = new Map();
        this.#memory.set(write.target, cells);
      }
      cells.set(write.element, write);
    }
    return this.#memory.get(target) ?? new Map();
  }

  /** Smallest and largest number that an array holds when the stretch between barriers around a tick is over. */
  range(target: number, tick: number): readonly [number, number] {
    const phase = this.block.barriers.filter((at) => at <= tick).length;
    const key = target * 65536 + phase;
    let found = this.#ranges.get(key);
    if (!found) {
      found = this.#rangeBefore(target, this.block.barriers[phase] ?? this.block.ticks);
      this.#ranges.set(key, found);
    }
    return found;
  }

  #rangeBefore(target: number, end: number): readonly [number, number] {
    const held = new Map<number, number>();
    for (const { target: at, element, value, tick } of this.#writes) {
      if (tick >= end) break;
      // A placeholder such as -3.4e38 would leave no colours for the rest.
      if (at === target && typeof value === "number" && Math.abs(value) < 1e30) held.set(element, value);
    }
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of held.values()) {
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    return least <= most ? [least, most] : [0, 1];
  }

  #collectWrites(): void {
    this.block.warps.forEach((steps, warp) => {
      for (const [line, tick, , , , requests] of steps) {
        for (const request of requests) {
          const target = request[1];
          if (!request[6]) continue;
          const touches = touchesOf(request, this.trace.targets[target]!.elementBytes);
          touches.forEach(({ lane, element, values }, nth) => {
            const who = { thread: warp * 32 + lane, line, tick, order: request[7]?.[nth] ?? 0 };
            values.forEach((value, i) => {
              this.#writes.push({ target, element: element + i, value, ...who });
            });
          });
        }
      }
    });
    this.#writes.push(...this.#lastAtomics());
    this.#writes.sort((a, b) => a.tick - b.tick || a.order - b.order);
  }

  /**
   * Warps that are shown side by side ran one after another, so that the last atomic may not be the one shown last: at
   * the end of a stretch between barriers each cell holds what the last one left.
   */
  #lastAtomics(): Write[] {
    const last = new Map<string, Write>();
    for (const write of this.#writes) {
      if (write.order === 0) continue;
      const next = this.block.barriers.find((at) => at > write.tick) ?? this.block.ticks;
      const key = `${write.target} ${write.element} ${next}`;
      if ((last.get(key)?.order ?? 0) < write.order) last.set(key, { ...write, tick: next - 1 });
    }
    return [...last.values()];
  }
}

/** Threads' numbers as the kernel knows them: "(3, 1)" in a block of two dimensions. */
export function threadName(rank: number, [x, y, z]: readonly [number, number, number]): string {
  const parts = [rank % x, Math.floor(rank / x) % y, Math.floor(rank / (x * y))];
  const used = z > 1 ? 3 : y > 1 ? 2 : 1;
  return used === 1 ? `${rank}` : `(${parts.slice(0, used).join(", ")})`;
}

/** A value in few characters. */
export function shortValue(value: StepValue): string {
  if (typeof value === "string") return value;
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const size = Math.abs(value);
  if (size >= 1e5 || (size < 1e-3 && size > 0)) return value.toExponential(1).replace("e+", "e");
  return String(Number(value.toPrecision(3)));
}
