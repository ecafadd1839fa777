/**
 * A seeded generator of uint32 (mulberry32), so that an interval computed twice is the same interval.
 *
 * `torch_baselines.py` holds the same generator: a stored interval can be computed again from the samples.
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** An index in 0..count-1 from one uint32, without the bias of a remainder. */
export function indexBelow(random: number, count: number): number {
  return Math.floor((random / 4294967296) * count);
}
