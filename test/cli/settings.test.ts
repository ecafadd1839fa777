import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAxes, parseSizes } from "kernel-lab/dist/cli/settings";
import { LabError } from "kernel-lab/dist/core/error";

test("parseAxes() reads numbers, words and truths", () => {
  assert.deepEqual(parseAxes(["BM=32,64", "ALIGNED=true,false", "mode=fast"]), {
    BM: [32, 64],
    ALIGNED: [true, false],
    mode: ["fast"],
  });
  assert.deepEqual(parseAxes([]), {});
});

test("parseAxes() refuses what is no setting, an empty value and a name twice", () => {
  for (const bad of [["BM"], ["BM="], ["=3"], ["BM=1,,2"], ["BM=1", "BM=2"]]) {
    assert.throws(
      () => parseAxes(bad),
      (e) => LabError.is(e, "bad-options"),
      bad.join(" "),
    );
  }
});

test("parseSizes() holds names, numbers and the element type against what there is", () => {
  const names = ["rows", "cols"];
  assert.deepEqual(parseSizes(["rows=7", "dtype=f16"], names), { sizes: { rows: 7 }, dtype: "f16" });
  for (const bad of ["width=3", "rows=0", "rows=1.5", "rows=many", "rows=1,2", "dtype=f99"]) {
    assert.throws(
      () => parseSizes([bad], names),
      (e) => LabError.is(e, "bad-options"),
      bad,
    );
  }
});
