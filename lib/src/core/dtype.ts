import { describeValue, LabError } from "./error";
import { bfloatToFloat, floatToBfloat, floatToFp8, floatToHalf, halfToFloat } from "./float";

/** Element type of a tensor. */
export type DType = "f32" | "f16" | "bf16" | "f64" | "i8" | "u8" | "i32" | "u32" | "i64" | "e4m3" | "e5m2";

/** What `Tensor.read()` answers: f16 and bf16 decoded to float32, fp8 as its bytes, i64 as bigints. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int32Array
  | Uint32Array
  | BigInt64Array;

/** Any typed array, as raw storage or as input. */
export type AnyTypedArray = TypedArray | Int16Array | Uint16Array | Uint8ClampedArray | BigUint64Array;

/** Facts of one element type. */
export interface DTypeInfo {
  readonly name: DType;
  /** The number the command stream uses; the same as `DType` in native/core/commands.h. */
  readonly code: number;
  /** Bytes an element. */
  readonly bytes: number;
  /** How a kernel spells it. */
  readonly cuda: string;
  readonly kind: "float" | "int" | "uint";
  /** Smallest and largest finite value. */
  readonly min: number;
  readonly max: number;
  /** Distance from 1 to the next value; 0 for integers. */
  readonly epsilon: number;
}

function entry(
  name: DType,
  code: number,
  bytes: number,
  cuda: string,
  kind: DTypeInfo["kind"],
  min: number,
  max: number,
  epsilon = 0,
): DTypeInfo {
  return Object.freeze({ name, code, bytes, cuda, kind, min, max, epsilon });
}

/** Every element type by name. */
export const dtypes: Readonly<Record<DType, DTypeInfo>> = Object.freeze({
  f32: entry("f32", 0, 4, "float", "float", -3.4028234663852886e38, 3.4028234663852886e38, 2 ** -23),
  f16: entry("f16", 1, 2, "__half", "float", -65504, 65504, 2 ** -10),
  bf16: entry("bf16", 2, 2, "__nv_bfloat16", "float", -3.3895313892515355e38, 3.3895313892515355e38, 2 ** -7),
  f64: entry("f64", 3, 8, "double", "float", -Number.MAX_VALUE, Number.MAX_VALUE, Number.EPSILON),
  i8: entry("i8", 4, 1, "signed char", "int", -128, 127),
  u8: entry("u8", 5, 1, "unsigned char", "uint", 0, 255),
  i32: entry("i32", 6, 4, "int", "int", -(2 ** 31), 2 ** 31 - 1),
  u32: entry("u32", 7, 4, "unsigned int", "uint", 0, 2 ** 32 - 1),
  i64: entry("i64", 8, 8, "long long", "int", -(2 ** 63), 2 ** 63),
  e4m3: entry("e4m3", 9, 1, "__nv_fp8_e4m3", "float", -448, 448, 2 ** -3),
  e5m2: entry("e5m2", 10, 1, "__nv_fp8_e5m2", "float", -57344, 57344, 2 ** -2),
});

/** The facts of a dtype, or a `LabError` ("invalid-dtype") naming the ones there are. */
export function dtypeInfo(name: DType): DTypeInfo {
  const info = Object.hasOwn(dtypes, name) ? dtypes[name] : undefined;
  if (!info) {
    throw new LabError("invalid-dtype", `Expected a dtype but received ${describeValue(name)}.`, {
      advice: `Use one of ${Object.keys(dtypes).join(", ")}.`,
    });
  }
  return info;
}

/** The dtype a typed array holds by itself: Float32Array is f32, number arrays are f32, Uint8Array is u8. */
export function dtypeOf(data: ArrayLike<number> | ArrayLike<bigint>): DType {
  if (data instanceof Float64Array) return "f64";
  if (data instanceof Int8Array) return "i8";
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) return "u8";
  if (data instanceof Int32Array || data instanceof Int16Array) return "i32";
  if (data instanceof Uint32Array || data instanceof Uint16Array) return "u32";
  if (data instanceof BigInt64Array || data instanceof BigUint64Array || typeof data[0] === "bigint")
    return "i64";
  return "f32";
}

/** The bytes behind a typed array, without a copy. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);
}

/** Reads bytes of a dtype as numbers; copies only where decoding or alignment needs it. */
export function decode(bytes: Uint8Array, dtype: DType): TypedArray {
  const info = dtypeInfo(dtype);
  const aligned = bytes.byteOffset % info.bytes === 0 ? bytes : bytes.slice();
  const length = aligned.byteLength / info.bytes;
  const at: [ArrayBuffer, number, number] = [aligned.buffer as ArrayBuffer, aligned.byteOffset, length];
  switch (dtype) {
    case "f32":
      return new Float32Array(...at);
    case "f16":
      return halfToFloat(new Uint16Array(...at));
    case "bf16":
      return bfloatToFloat(new Uint16Array(...at));
    case "f64":
      return new Float64Array(...at);
    case "i8":
      return new Int8Array(...at);
    case "i32":
      return new Int32Array(...at);
    case "u32":
      return new Uint32Array(...at);
    case "i64":
      return new BigInt64Array(...at);
    default:
      return new Uint8Array(...at);
  }
}

/**
 * Encodes numbers as the bytes of a dtype, rounding floats to nearest even.
 *
 * A typed array that already holds the dtype's storage is not copied: Uint16Array is taken as raw f16 or bf16 bits,
 * Uint8Array as raw fp8 bytes. Throws "wrong-dtype" for an integer dtype given fractions or values out of range.
 */
export function encode(data: ArrayLike<number> | ArrayLike<bigint>, dtype: DType): Uint8Array {
  const raw = storage(data, dtype);
  if (raw) return bytesOf(raw);
  if (dtype === "i64") return bytesOf(encodeInt64(data));
  const numbers =
    typeof data[0] === "bigint" ? Array.from(data as ArrayLike<bigint>, Number) : (data as ArrayLike<number>);
  switch (dtype) {
    case "f32":
      return bytesOf(Float32Array.from(numbers));
    case "f64":
      return bytesOf(Float64Array.from(numbers));
    case "f16":
      return bytesOf(floatToHalf(numbers));
    case "bf16":
      return bytesOf(floatToBfloat(numbers));
    case "e4m3":
    case "e5m2":
      return floatToFp8(numbers, dtype);
    default:
      return bytesOf(encodeInteger(numbers, dtype));
  }
}

/** The array itself when its storage is already what the dtype keeps. */
function storage(data: ArrayLike<number> | ArrayLike<bigint>, dtype: DType): ArrayBufferView | null {
  switch (dtype) {
    case "f32":
      return data instanceof Float32Array ? data : null;
    case "f64":
      return data instanceof Float64Array ? data : null;
    case "f16":
    case "bf16":
      return data instanceof Uint16Array ? data : null;
    case "i8":
      return data instanceof Int8Array ? data : null;
    case "i32":
      return data instanceof Int32Array ? data : null;
    case "u32":
      return data instanceof Uint32Array ? data : null;
    case "i64":
      return data instanceof BigInt64Array ? data : null;
    default:
      return data instanceof Uint8Array ? data : null;
  }
}

function encodeInt64(data: ArrayLike<number> | ArrayLike<bigint>): BigInt64Array {
  const out = new BigInt64Array(data.length);
  for (let i = 0; i < out.length; i++) {
    const value = data[i]!;
    if (typeof value === "number" && !Number.isSafeInteger(value)) throw badInteger(value, i, "i64");
    out[i] = BigInt(value);
  }
  return out;
}

function encodeInteger(numbers: ArrayLike<number>, dtype: "i8" | "u8" | "i32" | "u32"): ArrayBufferView {
  const { min, max } = dtypes[dtype];
  const kinds = { i8: Int8Array, u8: Uint8Array, i32: Int32Array, u32: Uint32Array };
  const out = new kinds[dtype](numbers.length);
  for (let i = 0; i < out.length; i++) {
    const value = numbers[i]!;
    if (!Number.isInteger(value) || value < min || value > max) throw badInteger(value, i, dtype);
    out[i] = value;
  }
  return out;
}

function badInteger(value: number, index: number, dtype: DType): LabError {
  return new LabError("wrong-dtype", `Expected ${dtype} values but element ${index} is ${value}.`, {
    advice: `${dtype} holds integers from ${dtypes[dtype].min} to ${dtypes[dtype].max}; choose another dtype or round the data.`,
  });
}
