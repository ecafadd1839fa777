/**
 * Conversions between float32 and the narrow floats f16, bf16, e4m3 and e5m2.
 *
 * Decoding reads a table built once; encoding rounds to nearest even, as the device's own conversions do. The fp8
 * encoders saturate to the largest finite value, as `__nv_cvt_float_to_fp8` with `__NV_SATFINITE` does.
 */

const scratchFloat = new Float32Array(1);
const scratchBits = new Uint32Array(scratchFloat.buffer);

function bitsOf(value: number): number {
  scratchFloat[0] = value;
  return scratchBits[0]!;
}

/** The value of one binary16 bit pattern. */
export function decodeHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

function halfFromBits(x: number): number {
  const sign = (x >>> 16) & 0x8000;
  const magnitude = x & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below the normal range the sum with 0.5 aligns the mantissa so that the float32 store rounds it.
    scratchBits[0] = magnitude;
    scratchFloat[0] = scratchFloat[0]! + 0.5;
    return sign | (scratchBits[0]! - 0x3f000000);
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/** The binary16 bit pattern nearest to a number. */
export function encodeHalf(value: number): number {
  return halfFromBits(bitsOf(value));
}

function bfloatFromBits(x: number): number {
  if ((x & 0x7fffffff) > 0x7f800000) return ((x >>> 16) & 0x8000) | 0x7fff;
  return ((x + 0x7fff + ((x >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The bfloat16 bit pattern nearest to a number. */
export function encodeBfloat(value: number): number {
  return bfloatFromBits(bitsOf(value));
}

/** The value of one bfloat16 bit pattern. */
export function decodeBfloat(bits: number): number {
  scratchBits[0] = bits << 16;
  return scratchFloat[0]!;
}

/** The value of one fp8 e4m3 byte (no infinities, 0x7f is NaN). */
export function decodeE4M3(byte: number): number {
  const sign = byte & 0x80 ? -1 : 1;
  const exponent = (byte >> 3) & 15;
  const mantissa = byte & 7;
  if (exponent === 15 && mantissa === 7) return Number.NaN;
  return exponent === 0 ? sign * mantissa * 2 ** -9 : sign * (8 + mantissa) * 2 ** (exponent - 10);
}

/** The value of one fp8 e5m2 byte: the upper half of a binary16. */
export function decodeE5M2(byte: number): number {
  return decodeHalf(byte << 8);
}

/** Rounds a magnitude to `mantissaBits` with the given smallest exponent, ties to even. */
function roundMagnitude(magnitude: number, mantissaBits: number, minExponent: number): number {
  const exponent = Math.max(Math.floor(Math.log2(magnitude)), minExponent);
  const step = 2 ** (exponent - mantissaBits);
  const scaled = magnitude / step;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 === 1);
  return (floor + (up ? 1 : 0)) * step;
}

function encodeFp8(
  value: number,
  mantissaBits: number,
  minExponent: number,
  max: number,
  nan: number,
): number {
  const f = Math.fround(value);
  if (Number.isNaN(f)) return nan;
  const sign = f < 0 || Object.is(f, -0) ? 0x80 : 0;
  const magnitude = Math.abs(f);
  if (magnitude === 0) return sign;
  const rounded = Math.min(roundMagnitude(Math.min(magnitude, max), mantissaBits, minExponent), max);
  const subnormalStep = 2 ** (minExponent - mantissaBits);
  if (rounded < 2 ** minExponent) return sign | (rounded / subnormalStep);
  const exponent = Math.floor(Math.log2(rounded));
  const mantissa = rounded / 2 ** (exponent - mantissaBits) - 2 ** mantissaBits;
  return sign | ((exponent - minExponent + 1) << mantissaBits) | mantissa;
}

/** The fp8 e4m3 byte nearest to a number, saturating at 448. */
export function encodeE4M3(value: number): number {
  return encodeFp8(value, 3, -6, 448, 0x7f);
}

/** The fp8 e5m2 byte nearest to a number, saturating at 57344. */
export function encodeE5M2(value: number): number {
  return encodeFp8(value, 2, -14, 57344, 0x7f);
}

let halfTable: Float32Array | undefined;

function halfValues(): Float32Array {
  if (!halfTable) {
    halfTable = new Float32Array(65536);
    for (let i = 0; i < 65536; i++) halfTable[i] = decodeHalf(i);
  }
  return halfTable;
}

/** Decodes binary16 bit patterns. */
export function halfToFloat(raw: Uint16Array): Float32Array {
  const table = halfValues();
  const out = new Float32Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = table[raw[i]!]!;
  return out;
}

/** Encodes numbers as binary16 bit patterns. */
export function floatToHalf(values: ArrayLike<number>): Uint16Array {
  const floats = values instanceof Float32Array ? values : Float32Array.from(values);
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  const out = new Uint16Array(floats.length);
  for (let i = 0; i < out.length; i++) out[i] = halfFromBits(bits[i]!);
  return out;
}

/** Decodes bfloat16 bit patterns. */
export function bfloatToFloat(raw: Uint16Array): Float32Array {
  const bits = new Uint32Array(raw.length);
  for (let i = 0; i < raw.length; i++) bits[i] = raw[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** Encodes numbers as bfloat16 bit patterns. */
export function floatToBfloat(values: ArrayLike<number>): Uint16Array {
  const floats = values instanceof Float32Array ? values : Float32Array.from(values);
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  const out = new Uint16Array(floats.length);
  for (let i = 0; i < out.length; i++) out[i] = bfloatFromBits(bits[i]!);
  return out;
}

function fp8Table(decode: (byte: number) => number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, byte) => decode(byte));
}

const fp8Tables = { e4m3: fp8Table(decodeE4M3), e5m2: fp8Table(decodeE5M2) };

/** Decodes fp8 bytes. */
export function fp8ToFloat(raw: Uint8Array, format: "e4m3" | "e5m2"): Float32Array {
  const table = fp8Tables[format];
  const out = new Float32Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = table[raw[i]!]!;
  return out;
}

/** Encodes numbers as fp8 bytes. */
export function floatToFp8(values: ArrayLike<number>, format: "e4m3" | "e5m2"): Uint8Array {
  const encode = format === "e4m3" ? encodeE4M3 : encodeE5M2;
  const out = new Uint8Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = encode(values[i]!);
  return out;
}
