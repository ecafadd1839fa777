import type { StepLocal, StepValue } from "../trace";
import { lanesOf, type Model } from "./model";

/** A variable as a warp's lanes hold it; of an array, the first lane's elements. */
export interface Held {
  readonly local: StepLocal;
  /** By lane, undefined where the lane holds none; of an array by element. */
  readonly values: (StepValue | undefined)[];
  /** Lanes, or elements, that the step at hand has changed. */
  readonly changed: Set<number>;
}

/** The named locals of one warp, followed from step to step. */
export class Locals {
  readonly #held = new Map<number, Held>();
  #warp = -1;
  #index = -1;

  constructor(readonly model: Model) {}

  /** What the warp's lanes hold after its step `index`, innermost scope last. */
  at(warp: number, index: number): readonly Held[] {
    if (warp !== this.#warp || index < this.#index) {
      this.#held.clear();
      this.#warp = warp;
      this.#index = -1;
    }
    while (this.#index < index) this.#apply(++this.#index);
    return [...this.#held.values()];
  }

  #apply(index: number): void {
    const { trace, block } = this.model;
    for (const held of this.#held.values()) held.changed.clear();
    for (const [local, element, mask, value] of block.warps[this.#warp]![index]![6]) {
      const about = trace.locals[local]!;
      const isArray = about.shape.length > 0;
      const held = this.#held.get(local) ?? { local: about, values: [], changed: new Set<number>() };
      lanesOf(mask).forEach((lane, i) => {
        const at = isArray ? element : lane;
        if (value === null) {
          if (isArray) held.values.length = 0;
          else held.values[lane] = undefined;
          return;
        }
        held.values[at] = Array.isArray(value) ? (value as readonly StepValue[])[i] : (value as StepValue);
        held.changed.add(at);
      });
      if (held.values.some((one) => one !== undefined)) this.#held.set(local, held);
      else this.#held.delete(local);
    }
  }
}
