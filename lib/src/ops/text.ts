/**
 * Streams of token numbers for the router: real text, uniform, and Zipf.
 */

/** Words and punctuation of a text, hashed (FNV-1a) into `vocabulary` numbers. */
export function textTokens(text: string, count: number, vocabulary: number): Int32Array {
  const words = text.toLowerCase().match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? ["empty"];
  return Int32Array.from({ length: count }, (_, i) => hash(words[i % words.length]!) % vocabulary);
}

/** Every token number equally likely. */
export function uniformTokens(count: number, vocabulary: number, seed = 1): Int32Array {
  const random = generator(seed);
  return Int32Array.from({ length: count }, () => Math.floor(random() * vocabulary));
}

/** Token r with a probability in proportion to 1 / (r + 1) to the power `exponent`, as words of a language. */
export function zipfTokens(count: number, vocabulary: number, exponent = 1, seed = 1): Int32Array {
  const random = generator(seed);
  const cumulative = new Float64Array(vocabulary);
  let total = 0;
  for (let r = 0; r < vocabulary; r++) cumulative[r] = total += (r + 1) ** -exponent;
  return Int32Array.from({ length: count }, () => {
    const wanted = random() * total;
    let low = 0;
    let high = vocabulary - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! <= wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}

function hash(word: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) value = Math.imul(value ^ word.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** Numbers in [0, 1) from a seed (mulberry32): the same streams on every machine. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
