import type { DType } from "../core/dtype";

/** A number as a kernel takes it by value. */
export interface ScalarType {
  readonly kind: "scalar";
  /** C++ spelling. */
  readonly name: string;
  readonly size: number;
  readonly align: number;
  readonly as: "int" | "uint" | "bool" | "f32" | "f64" | "f16" | "bf16" | "e4m3" | "e5m2";
}

/** A pointer; `dtypes` are the tensor types it takes, null for any. */
export interface PointerType {
  readonly kind: "pointer";
  readonly name: string;
  readonly size: 8;
  readonly align: 8;
  readonly dtypes: readonly DType[] | null;
}

/** A struct by value, laid out as C++ does. */
export interface StructType {
  readonly kind: "struct";
  readonly name: string;
  readonly size: number;
  readonly align: number;
  readonly fields: ReadonlyArray<{
    readonly name: string;
    readonly offset: number;
    readonly type: ParamType;
  }>;
  /** True for CUDA's vector types, which an array may fill too. */
  readonly vector: boolean;
}

/** An array inside a struct. */
export interface ArrayType {
  readonly kind: "array";
  readonly name: string;
  readonly size: number;
  readonly align: number;
  readonly of: ParamType;
  readonly length: number;
}

/** A CUtensorMap by value. */
export interface TensorMapType {
  readonly kind: "tensorMap";
  readonly name: "CUtensorMap";
  readonly size: 128;
  readonly align: 64;
}

/** Type of a kernel's parameter. */
export type ParamType = ScalarType | PointerType | StructType | ArrayType | TensorMapType;

function scalar(name: string, size: number, as: ScalarType["as"]): ScalarType {
  return { kind: "scalar", name, size, align: size, as };
}

const scalars: readonly ScalarType[] = [
  scalar("bool", 1, "bool"),
  scalar("char", 1, "int"),
  scalar("signed char", 1, "int"),
  scalar("unsigned char", 1, "uint"),
  scalar("short", 2, "int"),
  scalar("unsigned short", 2, "uint"),
  scalar("int", 4, "int"),
  scalar("unsigned int", 4, "uint"),
  scalar("long", 8, "int"),
  scalar("unsigned long", 8, "uint"),
  scalar("long long", 8, "int"),
  scalar("unsigned long long", 8, "uint"),
  scalar("float", 4, "f32"),
  scalar("double", 8, "f64"),
  scalar("__half", 2, "f16"),
  scalar("__nv_bfloat16", 2, "bf16"),
  scalar("__nv_fp8_e4m3", 1, "e4m3"),
  scalar("__nv_fp8_e5m2", 1, "e5m2"),
];

const aliases: Record<string, string> = {
  uchar: "unsigned char",
  ushort: "unsigned short",
  uint: "unsigned int",
  ulong: "unsigned long",
  size_t: "unsigned long",
  ssize_t: "long",
  ptrdiff_t: "long",
  intptr_t: "long",
  uintptr_t: "unsigned long",
  clock_t: "long",
  int8_t: "signed char",
  uint8_t: "unsigned char",
  int16_t: "short",
  uint16_t: "unsigned short",
  int32_t: "int",
  uint32_t: "unsigned int",
  int64_t: "long",
  uint64_t: "unsigned long",
  half: "__half",
  nv_bfloat16: "__nv_bfloat16",
  bfloat16: "__nv_bfloat16",
  __nv_fp8_storage_t: "unsigned char",
  half2: "__half2",
  nv_bfloat162: "__nv_bfloat162",
};

/** Tensor dtypes that a pointer to a builtin type takes. */
const pointees: Record<string, readonly DType[]> = {
  bool: ["u8"],
  char: ["i8", "u8"],
  "signed char": ["i8"],
  "unsigned char": ["u8", "e4m3", "e5m2"],
  short: ["f16", "bf16"],
  "unsigned short": ["f16", "bf16"],
  int: ["i32"],
  "unsigned int": ["u32"],
  long: ["i64"],
  "unsigned long": ["i64"],
  "long long": ["i64"],
  "unsigned long long": ["i64"],
  float: ["f32"],
  double: ["f64"],
  __half: ["f16"],
  __nv_bfloat16: ["bf16"],
  __nv_fp8_e4m3: ["e4m3"],
  __nv_fp8_e5m2: ["e5m2"],
};

const builtin = new Map<string, ParamType>(scalars.map((type) => [type.name, type]));
const vectorElements = new Map<string, string>();

function addVector(name: string, element: string, count: number): void {
  const of = builtin.get(element) as ScalarType;
  // CUDA aligns vectors of 2 and 4 to their size, at most 16 bytes; those of 3 to their element.
  const align = count === 3 ? of.size : Math.min(16, of.size * count);
  const fields = ["x", "y", "z", "w"]
    .slice(0, count)
    .map((field, i) => ({ name: field, offset: i * of.size, type: of }));
  builtin.set(name, { kind: "struct", name, size: of.size * count, align, fields, vector: true });
  vectorElements.set(name, element);
}

for (const [stem, element] of [
  ["char", "signed char"],
  ["uchar", "unsigned char"],
  ["short", "short"],
  ["ushort", "unsigned short"],
  ["int", "int"],
  ["uint", "unsigned int"],
  ["long", "long"],
  ["ulong", "unsigned long"],
  ["longlong", "long long"],
  ["ulonglong", "unsigned long long"],
  ["float", "float"],
  ["double", "double"],
] as const) {
  for (const count of [1, 2, 3, 4]) addVector(`${stem}${count}`, element, count);
}
addVector("__half2", "__half", 2);
addVector("__nv_bfloat162", "__nv_bfloat16", 2);
addVector("dim3", "unsigned int", 3);
builtin.set("CUtensorMap", { kind: "tensorMap", name: "CUtensorMap", size: 128, align: 64 });

/** A builtin type by its spelling, aliases resolved; undefined when CUDA C++ has no such builtin. */
export function builtinType(name: string): ParamType | undefined {
  return builtin.get(aliases[name] ?? name);
}

/** A pointer to a type of this spelling. */
export function pointerTo(name: string): PointerType {
  const plain = aliases[name] ?? name;
  const element = vectorElements.get(plain) ?? plain;
  return { kind: "pointer", name: `${name}*`, size: 8, align: 8, dtypes: pointees[element] ?? null };
}

/** Lays fields out as C++ does. */
export function layOut(
  name: string,
  members: readonly { name: string; type: ParamType }[],
  minAlign = 1,
): StructType {
  let offset = 0;
  let align = minAlign;
  const fields = members.map((member) => {
    offset = alignUp(offset, member.type.align);
    align = Math.max(align, member.type.align);
    const field = { name: member.name, offset, type: member.type };
    offset += member.type.size;
    return field;
  });
  return { kind: "struct", name, size: Math.max(alignUp(offset, align), 1), align, fields, vector: false };
}

/** The next multiple of `align`. */
export function alignUp(offset: number, align: number): number {
  return Math.ceil(offset / align) * align;
}
