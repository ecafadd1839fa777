import { describeValue, LabError } from "./error";

/** Extents of a tensor, slowest dimension first; [] is a scalar. */
export type Shape = readonly number[];

/** Checks a shape given by a user and copies it; throws "invalid-shape" for NaN, negative or fractional extents. */
export function checkShape(shape: Shape | number): readonly number[] {
  const extents = typeof shape === "number" ? [shape] : shape;
  if (!Array.isArray(extents)) {
    throw new LabError(
      "invalid-shape",
      `Expected a shape such as [1024, 64] but received ${describeValue(shape)}.`,
    );
  }
  extents.forEach((extent: unknown, axis) => {
    if (typeof extent !== "number" || !Number.isSafeInteger(extent) || extent < 0) {
      throw new LabError(
        "invalid-shape",
        `Expected whole extents from 0 to 2^53 - 1 but axis ${axis} of [${extents.join(", ")}] is ${describeValue(extent)}.`,
        { advice: "Round sizes up with lab.ceilDiv or Math.ceil before making a tensor." },
      );
    }
  });
  if (!Number.isSafeInteger(sizeOf(extents))) {
    throw new LabError(
      "invalid-shape",
      `The shape [${extents.join(", ")}] has more elements than can be counted.`,
    );
  }
  return Object.freeze([...extents]);
}

/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Row-major strides of a shape, in elements. */
export function contiguousStrides(shape: Shape): readonly number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return Object.freeze(strides);
}

/** True when the strides lay the elements out densely in row-major order. */
export function isContiguous(shape: Shape, strides: readonly number[]): boolean {
  const dense = contiguousStrides(shape);
  return shape.every((extent, axis) => extent <= 1 || strides[axis] === dense[axis]);
}

/** Quotient rounded up: how many blocks of `step` cover `n`. */
export function ceilDiv(n: number, step: number): number {
  if (!Number.isFinite(n) || !Number.isFinite(step) || step <= 0 || n < 0) {
    throw new LabError("invalid-shape", `ceilDiv expects n >= 0 and step > 0 but received ${n} and ${step}.`);
  }
  return Math.ceil(n / step);
}
