import type { Patch } from "../backend/commands";
import type { Connection } from "../backend/connection";
import { describeValue, LabError } from "../core/error";
import { encodeBfloat, encodeE4M3, encodeE5M2, encodeHalf } from "../core/float";
import type { ParamType, PointerType, ScalarType } from "./ctypes";
import type { Param, Signature } from "./signature";
import { Tensor } from "./tensor";
import { TensorMap } from "./tensorMap";

/** A struct argument: every field by name. */
export interface StructArg {
  readonly [field: string]: KernelArg;
}

/** What a kernel's parameter may be given. `null` is a null pointer; arrays fill vector types and array fields. */
export type KernelArg =
  | number
  | bigint
  | boolean
  | null
  | Tensor
  | TensorMap
  | StructArg
  | readonly KernelArg[];

/**
 * Checks arguments against a kernel's signature and packs them as the device wants them: one block of bytes and the
 * places where it fills in addresses.
 */
export class ArgumentPacker {
  readonly signature: Signature;
  /** The packed block, valid until the next `pack`. */
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #patches: Patch[] = [];
  #connection: Connection | null = null;

  constructor(signature: Signature) {
    this.signature = signature;
    this.bytes = new Uint8Array(signature.argBytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Packs the arguments of one launch; answers the patches. Throws before anything is enqueued. */
  pack(args: readonly KernelArg[], connection: Connection): Patch[] {
    const { params } = this.signature;
    if (args.length !== params.length) {
      const plural = params.length === 1 ? "" : "s";
      const list = params.map((param) => param.text).join(", ");
      throw new LabError(
        "wrong-argument-count",
        `${this.signature.name} expects ${params.length} argument${plural} (${list}) but received ${args.length}.`,
        { kernel: this.signature.name },
      );
    }
    this.#patches = [];
    this.#connection = connection;
    for (let i = 0; i < params.length; i++) {
      const param = params[i]!;
      this.#write(param.type, param.offset, args[i]!, param, param.name);
    }
    return this.#patches;
  }

  #write(type: ParamType, at: number, value: KernelArg, param: Param, path: string): void {
    switch (type.kind) {
      case "scalar":
        this.#scalar(type, at, value, param, path);
        return;
      case "pointer":
        this.#pointer(type, at, value, param, path);
        return;
      case "tensorMap":
        this.#tensorMap(at, value, param, path);
        return;
      case "array": {
        if (!Array.isArray(value) || value.length !== type.length) {
          throw this.#wrong(param, path, `an array of ${type.length}`, value);
        }
        for (let i = 0; i < type.length; i++)
          this.#write(type.of, at + i * type.of.size, value[i], param, `${path}[${i}]`);
        return;
      }
      case "struct": {
        const given = type.vector && Array.isArray(value) ? vectorFields(type.fields, value) : value;
        if (
          typeof given !== "object" ||
          given === null ||
          Array.isArray(given) ||
          given instanceof Tensor ||
          given instanceof TensorMap
        ) {
          throw this.#wrong(
            param,
            path,
            `an object with ${type.fields.map((field) => field.name).join(", ")}`,
            value,
          );
        }
        const fields = given as StructArg;
        for (const name of Object.keys(fields)) {
          if (!type.fields.some((field) => field.name === name)) {
            const known = type.fields.map((field) => field.name).join(", ");
            throw this.#wrong(param, `${path}.${name}`, `absent (${type.name} has ${known})`, fields[name]);
          }
        }
        for (const field of type.fields) {
          const inner = fields[field.name];
          if (inner === undefined)
            throw this.#wrong(param, `${path}.${field.name}`, `a ${field.type.name}`, undefined);
          this.#write(field.type, at + field.offset, inner, param, `${path}.${field.name}`);
        }
      }
    }
  }

  #pointer(type: PointerType, at: number, value: KernelArg, param: Param, path: string): void {
    if (value === null) {
      this.#view.setBigUint64(at, 0n, true);
      return;
    }
    if (!(value instanceof Tensor)) throw this.#wrong(param, path, "a tensor (or null)", value);
    value.storage.check(this.#connection!, `Argument ${path} of ${this.signature.name} (${value})`);
    if (type.dtypes && !type.dtypes.includes(value.dtype)) {
      throw new LabError(
        "wrong-dtype",
        `${this.signature.name} expects ${path} (${param.text}) to be a tensor of ${type.dtypes.join(" or ")} but received ${value}.`,
        {
          kernel: this.signature.name,
          advice: `Make the tensor with dtype "${type.dtypes[0]}", or reinterpret its bytes with t.as("${type.dtypes[0]}").`,
        },
      );
    }
    value.storage.written = true;
    this.#patches.push({ offset: at, kind: "buffer", handle: value.storage.handle, delta: value.offset });
  }

  #tensorMap(at: number, value: KernelArg, param: Param, path: string): void {
    if (!(value instanceof TensorMap))
      throw this.#wrong(param, path, "a tensor map made by lab.tensorMap", value);
    this.#patches.push({ offset: at, kind: "tensorMap", handle: value.use(this.#connection!), delta: 0 });
  }

  #scalar(type: ScalarType, at: number, value: KernelArg, param: Param, path: string): void {
    const view = this.#view;
    if (type.as === "int" || type.as === "uint") {
      this.#integer(type, at, value, param, path);
      return;
    }
    if (type.as === "bool") {
      if (typeof value !== "boolean" && value !== 0 && value !== 1)
        throw this.#wrong(param, path, "true or false", value);
      view.setUint8(at, value ? 1 : 0);
      return;
    }
    const number = typeof value === "bigint" ? Number(value) : value;
    if (typeof number !== "number") throw this.#wrong(param, path, `a number (${type.name})`, value);
    switch (type.as) {
      case "f32":
        view.setFloat32(at, number, true);
        break;
      case "f64":
        view.setFloat64(at, number, true);
        break;
      case "f16":
        view.setUint16(at, encodeHalf(number), true);
        break;
      case "bf16":
        view.setUint16(at, encodeBfloat(number), true);
        break;
      case "e4m3":
        view.setUint8(at, encodeE4M3(number));
        break;
      case "e5m2":
        view.setUint8(at, encodeE5M2(number));
        break;
    }
  }

  #integer(type: ScalarType, at: number, value: KernelArg, param: Param, path: string): void {
    const view = this.#view;
    const signed = type.as === "int";
    const bits = type.size * 8;
    if (bits < 64 && typeof value === "number") {
      const min = signed ? -(2 ** (bits - 1)) : 0;
      const max = 2 ** (signed ? bits - 1 : bits) - 1;
      if (!Number.isInteger(value) || value < min || value > max) {
        throw this.#wrong(param, path, `an integer from ${min} to ${max} (${type.name})`, value);
      }
      if (bits === 32) view.setInt32(at, value, true);
      else if (bits === 16) view.setInt16(at, value, true);
      else view.setInt8(at, value);
      return;
    }
    if (typeof value === "number" && !Number.isSafeInteger(value)) {
      throw this.#wrong(param, path, `a whole number (${type.name}; a bigint beyond 2^53)`, value);
    }
    if (typeof value !== "number" && typeof value !== "bigint")
      throw this.#wrong(param, path, `an integer (${type.name})`, value);
    const wide = BigInt(value);
    if ((signed ? BigInt.asIntN(bits, wide) : BigInt.asUintN(bits, wide)) !== wide) {
      throw this.#wrong(param, path, `an integer that fits ${type.name}`, value);
    }
    if (bits === 64) view.setBigUint64(at, BigInt.asUintN(64, wide), true);
    else this.#integer(type, at, Number(wide), param, path);
  }

  #wrong(param: Param, path: string, expected: string, value: unknown): LabError {
    const received =
      value instanceof Tensor || value instanceof TensorMap ? String(value) : describeValue(value);
    return new LabError(
      "wrong-argument-type",
      `${this.signature.name} expects ${path} (${param.text}) to be ${expected} but received ${received}.`,
      { kernel: this.signature.name },
    );
  }
}

function vectorFields(
  fields: readonly { name: string }[],
  values: readonly KernelArg[],
): StructArg | readonly KernelArg[] {
  if (values.length !== fields.length) return values;
  return Object.fromEntries(fields.map((field, i) => [field.name, values[i]!]));
}
