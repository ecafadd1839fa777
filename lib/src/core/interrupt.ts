/**
 * How an interrupt reaches the device: anything with work to stop registers here under a well-known symbol.
 *
 * The registry hangs on `globalThis` because the notebook's own copy of the library, which opened the device, and the
 * kernel that takes the interrupt need not be the same module instance.
 */

const REGISTRY = Symbol.for("kernel-lab.interrupt");

type Registry = Set<() => void>;

function registry(): Registry {
  const holder = globalThis as { [REGISTRY]?: Registry };
  holder[REGISTRY] ??= new Set();
  return holder[REGISTRY];
}

/** Registers what an interrupt shall stop; the function returned takes it back. */
export function onInterrupt(stop: () => void): () => void {
  registry().add(stop);
  return () => registry().delete(stop);
}

/** Stops everything registered; one failing does not keep the others from being stopped. */
export function interruptAll(): void {
  for (const stop of [...registry()]) {
    try {
      stop();
    } catch (error) {
      console.error("an interrupt handler failed:", error);
    }
  }
}
