import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runNotebook } from "kernel-lab/dist/notebook/runner";
import { dataOf, root, temporaryFolder, textOf, writeNotebook } from "./support";

const LINES = 60_000;

test("runNotebook() runs cells in order with one set of variables", async (context) => {
  const path = writeNotebook(temporaryFolder(context), [
    { source: "const a: number = 20; let b = 1;" },
    { source: "b += 1; const c = await Promise.resolve(a * b);" },
    { source: "c + 2" },
  ]);
  const seen: number[] = [];
  const run = await runNotebook(path, { onCell: (cell, done, total) => seen.push(cell.index, done, total) });
  assert.equal(run.ok, true);
  assert.deepEqual(seen, [0, 1, 3, 1, 2, 3, 2, 3, 3]);
  assert.deepEqual(dataOf(run.cells[2].outputs, "text/plain"), ["42"]);
});

test(`runNotebook() brings ${LINES} lines of one cell home, whole and in order`, async (context) => {
  const source = `for (let i = 0; i < ${LINES}; i++) console.log("line " + i);`;
  const run = await runNotebook(writeNotebook(temporaryFolder(context), [{ source }]));
  const lines = textOf(run.cells[0].outputs).trimEnd().split("\n");
  assert.equal(lines.length, LINES);
  assert.ok(lines.every((line, index) => line === `line ${index}`));
});

test("runNotebook() declares what the library answers also where its packages are linked from elsewhere", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "kernel-lab-test-"));
  context.after(() => rmSync(folder, { recursive: true }));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const path = writeNotebook(folder, [
    {
      source:
        'import * as lab from "kernel-lab";\nconst document = lab.targetDocuments()[0];\n' +
        "const table = document.tables[0], row = table.rows[0], work = row.work;\n" +
        'const cell = Object.values(row.cells)[0], chip = lab.gpuFacts("NVIDIA H200");',
    },
    { source: "typeof cell.text" },
  ]);
  const run = await runNotebook(path);
  assert.equal(run.ok, true, run.cells.at(-1)?.failure?.traceback.join("\n"));
});

test("runNotebook() stops at a failing cell and tells name, message and traceback", async (context) => {
  const path = writeNotebook(temporaryFolder(context), [
    { source: 'function inner() { throw new RangeError("too far"); }\ninner();' },
    { source: 'console.log("never");' },
  ]);
  const run = await runNotebook(path);
  assert.equal(run.ok, false);
  assert.equal(run.cells.length, 1);
  assert.equal(run.cells[0].failure?.ename, "RangeError");
  assert.equal(run.cells[0].failure?.evalue, "too far");
  assert.match(
    run.cells[0].failure?.traceback.join("\n") ?? "",
    /RangeError: too far\n\s+at inner \(this cell\)/,
  );
});

test("runNotebook() shows a type error with its line and a caret, and does not run the cell", async (context) => {
  const path = writeNotebook(temporaryFolder(context), [
    { source: 'console.log("ran");\nconst n: number = "one";', fails: true },
    { source: 'console.log("after");' },
  ]);
  const run = await runNotebook(path);
  assert.equal(run.ok, true, "a cell tagged raises-exception may fail");
  assert.equal(run.cells[0].failure?.ename, "TypeScriptError");
  assert.deepEqual(run.cells[0].failure?.traceback.slice(1), ['  const n: number = "one";', "        ^"]);
  assert.equal(textOf(run.cells[0].outputs), "");
  assert.equal(textOf(run.cells[1].outputs), "after\n");
});

test("runNotebook() keeps displays, updates in place, and keeps the order of text and displays", async (context) => {
  const source = `import * as tslab from "tslab";
console.log("before");
const bar = tslab.newDisplay();
bar.html("<i>half</i>");
console.log("between");
bar.html("<b>done</b>");
console.error("late");`;
  const run = await runNotebook(writeNotebook(temporaryFolder(context), [{ source }]));
  const kinds = run.cells[0].outputs.map((output) =>
    output.output_type === "stream" ? output.text : "display",
  );
  assert.deepEqual(kinds, ["before\n", "display", "between\n", "late\n"]);
  assert.deepEqual(dataOf(run.cells[0].outputs, "text/html"), ["<b>done</b>"]);
});

test("runNotebook() rejects with notebook-died when a cell ends the process", async (context) => {
  const path = writeNotebook(temporaryFolder(context), [{ source: "1" }, { source: "process.exit(3)" }]);
  await assert.rejects(runNotebook(path), {
    code: "notebook-died",
    message: /exit code 3 after 1 of 2 cells/,
  });
});

test("runNotebook() rejects with time-limit when a cell never ends", async (context) => {
  const path = writeNotebook(temporaryFolder(context), [{ source: "while (true) {}" }]);
  await assert.rejects(runNotebook(path, { timeLimit: 4 }), {
    code: "time-limit",
    message: /after 0 of 1 cells/,
  });
});

test("runNotebook() refuses what is not a notebook", async (context) => {
  const missing = join(temporaryFolder(context), "none.ipynb");
  await assert.rejects(runNotebook(missing), { code: "bad-notebook" });
  await assert.rejects(runNotebook(__filename), { code: "bad-notebook" });
});

test("runNotebook() takes shorthand properties of earlier cells' variables", async (context) => {
  const path = writeNotebook(temporaryFolder(context), [
    { source: "const tokens = 5; let { other } = { other: 6 };" },
    { source: "JSON.stringify({ tokens, other })" },
    { source: "const x: string = [{ tokens }].length;", fails: true },
  ]);
  const run = await runNotebook(path);
  assert.deepEqual(dataOf(run.cells[1].outputs, "text/plain"), ['{"tokens":5,"other":6}']);
  assert.deepEqual(run.cells[2].failure?.traceback.slice(1), [
    "  const x: string = [{ tokens }].length;",
    "        ^",
  ]);
});
