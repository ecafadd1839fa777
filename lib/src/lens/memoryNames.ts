import { type DType, dtypes } from "../core/dtype";
import type { KernelArg } from "../runtime/pack";
import type { Param } from "../runtime/signature";
import { Tensor } from "../runtime/tensor";

/** A range of memory as a trace names it: a tensor's is known by its address alone. */
export interface NamedRange {
  readonly base: number;
  readonly bytes: number;
  readonly name: string;
}

/** What the memory of a traced launch is called. */
export interface LaunchMemory {
  readonly allocations: readonly NamedRange[];
  readonly shared: readonly NamedRange[];
  /** The packed arguments, in hexadecimal. */
  readonly arguments: string;
  readonly params: readonly Param[];
  /** The caller's arguments: their tensors give element types and shapes. */
  readonly args: readonly KernelArg[];
  /** The kernel's source: its declarations give shared memory its element types. */
  readonly source: string;
}

/** An address as a person would write it. */
export interface MemoryPlace {
  /** Parameter or variable: "x", "tile"; "" where nothing is known of the address. */
  readonly name: string;
  readonly dtype: DType | null;
  /** Index of the element, negative in front of the first; null where the element type is not known. */
  readonly index: number | null;
  /** Elements there are; null where the element type is not known. */
  readonly size: number | null;
  /** "x[3]", "tile[63]", "dynamic shared memory, byte 12". */
  readonly text: string;
}

const spelled: readonly (readonly [RegExp, DType])[] = [
  [/\bfloat[234]?\b/, "f32"],
  [/\bdouble[234]?\b/, "f64"],
  [/\b(?:__half2?|half2?)\b/, "f16"],
  [/\b__nv_bfloat16\d?\b/, "bf16"],
  [/\b(?:unsigned char|uint8_t|bool)\b/, "u8"],
  [/\b(?:signed char|char|int8_t)\b/, "i8"],
  [/\b(?:long long|int64_t)\b/, "i64"],
  [/\b(?:unsigned(?: int)?|uint32_t|uint[234])\b/, "u32"],
  [/\b(?:int[234]?|int32_t)\b/, "i32"],
];

/** Answers the place an address is in, `range` being the memory that is meant where the address lies outside of it. */
export function memoryPlace(
  memory: LaunchMemory,
  space: string,
  address: number,
  range?: { readonly base: number; readonly bytes: number },
): MemoryPlace {
  const ranges = space === "shared" ? memory.shared : memory.allocations;
  const inside = ranges.find((one) => address >= one.base && address < one.base + one.bytes);
  const meant = inside ?? (range && ranges.find((one) => one.base === range.base));
  const at = meant ?? range;
  if (!at) return { name: "", dtype: null, index: null, size: null, text: hexAddress(address) };
  const named = meant?.name ?? "";
  if (space === "shared")
    return spell(named || "dynamic shared memory", declared(memory.source, named), at, address);
  if (named) return spell(named, declared(memory.source, named), at, address);
  const argument = argumentAt(memory, at);
  if (!argument) return spell("memory of no argument", null, at, address);
  return spell(argument.name, argument.dtype, { base: argument.base, bytes: argument.bytes }, address);
}

/** An address as text. */
export function hexAddress(address: number): string {
  return `0x${address.toString(16)}`;
}

function spell(
  name: string,
  dtype: DType | null,
  range: { readonly base: number; readonly bytes: number },
  address: number,
): MemoryPlace {
  const offset = address - range.base;
  if (!dtype)
    return { name, dtype, index: null, size: null, text: `${name}, byte ${offset} of ${range.bytes}` };
  const width = dtypes[dtype].bytes;
  const index = Math.floor(offset / width);
  return { name, dtype, index, size: range.bytes / width, text: `${name}[${index}]` };
}

/** The pointer argument that points into a range, with the tensor behind it. */
function argumentAt(
  memory: LaunchMemory,
  range: { readonly base: number; readonly bytes: number },
): { name: string; dtype: DType | null; base: number; bytes: number } | null {
  for (const [i, param] of memory.params.entries()) {
    const value = memory.args[i];
    if (!(value instanceof Tensor) || param.type.size !== 8) continue;
    const pointer = littleEndian(memory.arguments, param.offset);
    if (pointer < range.base || pointer > range.base + range.bytes) continue;
    return { name: param.name, dtype: value.dtype, base: pointer, bytes: value.nbytes };
  }
  return null;
}

function littleEndian(hex: string, offset: number): number {
  let value = 0;
  for (let i = 7; i >= 0; i--)
    value = value * 256 + Number.parseInt(hex.slice(2 * (offset + i), 2 * (offset + i) + 2), 16);
  return value;
}

/** Element type of a variable, from its declaration in the source; null where that is no builtin type. */
function declared(source: string, name: string): DType | null {
  if (!name) return null;
  const plain = name.replace(/^.*::/, "").replace(/[^\w]/g, "");
  const match = new RegExp(`__(?:shared|device|constant)__([^;(){}=]*?)\\b${plain}\\s*(?:\\[|;|=)`).exec(
    source,
  );
  return spelled.find(([pattern]) => match && pattern.test(match[1]!))?.[1] ?? null;
}
