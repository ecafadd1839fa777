import assert from "node:assert/strict";
import { test } from "node:test";
import { LabError } from "kernel-lab";
import { describeDiagnostics, describeThrown } from "kernel-lab/dist/notebook/failure";

test("describeThrown() tells name, message and the frames of the author's code", () => {
  const error = new RangeError("two\nlines");
  error.stack = [
    "RangeError: two",
    "lines",
    "    at step (evalmachine.<anonymous>:3:7)",
    "    at evalmachine.<anonymous>:9:1",
    "    at Script.runInThisContext (node:vm:123:12)",
    "    at execute (/x/node_modules/tslab/dist/executor.js:1:1)",
    "    at use (/x/mine.js:4:2)",
  ].join("\n");
  const { ename, evalue, traceback } = describeThrown(error);
  assert.equal(ename, "RangeError");
  assert.equal(evalue, "two\nlines");
  assert.deepEqual(traceback, [
    "RangeError: two",
    "lines",
    "    at step (this cell)",
    "    at (this cell)",
    "    at use (/x/mine.js:4:2)",
  ]);
});

test("describeThrown() shows a LabError's code and its advice", () => {
  const { traceback } = describeThrown(
    new LabError("wrong-dtype", "Expected f32.", { advice: "Convert it." }),
  );
  assert.equal(traceback[0], "LabError [wrong-dtype]: Expected f32.");
  assert.equal(traceback[1], "Convert it.");
});

test("describeThrown() follows causes, and takes values that are no errors", () => {
  const caused = describeThrown(new Error("outer", { cause: new TypeError("inner") }));
  assert.match(caused.traceback.at(-1) ?? "", /^caused by TypeError: inner/);
  assert.equal(describeThrown({ a: 1 }).evalue, "{ a: 1 }");
  assert.equal(describeThrown(undefined).evalue, "undefined");
});

test("describeThrown() calls an interrupt an interrupt", () => {
  assert.equal(describeThrown(new Error("Interrupted asynchronously")).ename, "Interrupted");
});

test("describeDiagnostics() points at the place in the cell", () => {
  const failure = describeDiagnostics(
    [{ file: "", line: 2, column: 5, message: "No." }],
    "let a;\nlet b = c;",
  );
  assert.deepEqual(failure, {
    ename: "TypeScriptError",
    evalue: "No.",
    traceback: ["2:5 - No.", "  let b = c;", "      ^"],
  });
});
