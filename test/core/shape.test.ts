import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { env, switches } from "kernel-lab/dist/core/env";
import { describeValue, LabError } from "kernel-lab/dist/core/error";
import { lexIncludes } from "kernel-lab/dist/core/includes";
import { home, homePath, kernelPath } from "kernel-lab/dist/core/paths";
import { ceilDiv, checkShape, contiguousStrides, isContiguous, sizeOf } from "kernel-lab/dist/core/shape";

test("checkShape() refuses NaN, negative, fractional and uncountable extents", () => {
  for (const bad of [[Number.NaN], [-1], [1.5], [2 ** 40, 2 ** 40], "4"]) {
    assert.throws(
      () => checkShape(bad as number[]),
      (e) => LabError.is(e, "invalid-shape"),
      String(bad),
    );
  }
  assert.deepEqual(checkShape(7), [7]);
  assert.deepEqual(checkShape([0, 3]), [0, 3]);
});

test("strides are row-major, and contiguity looks past extents of one", () => {
  assert.deepEqual(contiguousStrides([2, 3, 4]), [12, 4, 1]);
  assert.equal(sizeOf([]), 1);
  assert.ok(isContiguous([1, 5], [99, 1]));
  assert.ok(!isContiguous([3, 2], [1, 3]));
});

test("ceilDiv() rounds up and refuses what is no count", () => {
  assert.equal(ceilDiv(257, 256), 2);
  assert.equal(ceilDiv(256, 256), 1);
  assert.throws(
    () => ceilDiv(1, 0),
    (e) => LabError.is(e, "invalid-shape"),
  );
  assert.throws(
    () => ceilDiv(Number.NaN, 2),
    (e) => LabError.is(e, "invalid-shape"),
  );
});

test("paths lead to the lab's home", () => {
  assert.ok(existsSync(homePath("kernels")) && existsSync(homePath("native")));
  assert.equal(kernelPath("softmax/01.cu"), `${home()}/kernels/softmax/01.cu`);
  assert.equal(kernelPath("/tmp/x.cu"), "/tmp/x.cu");
});

test("LabError carries code, what and advice, and is told by name", () => {
  const error = new LabError("some-code", "It happened.", { advice: "Do this.", kernel: "k" });
  assert.equal(error.message, "It happened.\nDo this.");
  assert.ok(
    LabError.is(error) &&
      LabError.is(error, "some-code") &&
      !LabError.is(error, "other") &&
      !LabError.is(new Error("x")),
  );
  assert.equal(describeValue(Number.NaN), "number NaN");
  assert.equal(describeValue([1, 2]), "array of 2");
});

test("lexIncludes() finds both spellings, env() reads a switch", () => {
  assert.deepEqual(lexIncludes('#include <a.h>\n  # include "b/c.cuh"\n// #include_not'), ["a.h", "b/c.cuh"]);
  assert.ok(Object.keys(switches).includes("KERNEL_LAB_CACHE"));
  process.env.KERNEL_LAB_WORKERS = "";
  assert.equal(env("KERNEL_LAB_WORKERS"), undefined);
});
