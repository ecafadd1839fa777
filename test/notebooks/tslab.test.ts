import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runNotebook } from "kernel-lab/dist/notebook/runner";
import { createConverter } from "kernel-lab/dist/notebook/tslab";
import { fromTslab } from "kernel-lab/dist/notebook/tslabModules";
import { dataOf, temporaryFolder, writeNotebook } from "./support";

test("the compiler under tslab keeps no books of who imports whom, and still answers it", (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, "c.ts"), "export const c = 1;");
  writeFileSync(join(folder, "b.ts"), 'export * from "./c";');
  writeFileSync(join(folder, "a.ts"), 'import { c } from "./b"; export const a = c;');
  writeFileSync(join(folder, "other.ts"), "export const other = 1;");
  const typescript = fromTslab("@tslab/typescript-for-tslab");
  const files = ["a.ts", "other.ts"].map((name) => join(folder, name));
  const host = typescript.createWatchCompilerHost(files, { noLib: true, types: [] }, typescript.sys);
  const builder = host.createProgram(files, { noLib: true, types: [] }, typescript.createCompilerHost({}));
  const file = builder.getSourceFile(files[0]);
  assert.ok(file);
  assert.deepEqual(
    builder.getAllDependencies(file).map((path) => path.slice(folder.length + 1)),
    ["a.ts", "b.ts", "c.ts"],
  );
  assert.throws(() => (builder as unknown as { getState(): unknown }).getState());
});

test("createConverter() answers the same for the same cell, however often", () => {
  const converter = createConverter({ isJS: false, isBrowser: false });
  try {
    const cell = "const one = 1; const two: number = one + 1;";
    const first = converter.convert("", cell);
    assert.match(first.declOutput ?? "", /declare const two: number/);
    assert.deepEqual(converter.convert("", cell), first);
    assert.match(
      converter.convert(first.declOutput ?? "", "const three = two + one;").output ?? "",
      /exports\.three/,
    );
  } finally {
    converter.close();
  }
});

test("cells see modules beside the notebook, with what those import, and their type errors", async (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, "deep.ts"), "export const deep = 40;");
  writeFileSync(
    join(folder, "mine.ts"),
    'import { deep } from "./deep";\nexport const mine: number = deep + 2;',
  );
  writeFileSync(join(folder, "wrong.ts"), 'export const wrong: number = "text";');
  const run = await runNotebook(
    writeNotebook(folder, [
      { source: 'import { mine } from "./mine"; mine' },
      { source: 'import { wrong } from "./wrong"; wrong', fails: true },
      { source: "mine + 1" },
    ]),
  );
  assert.deepEqual(dataOf(run.cells[0].outputs, "text/plain"), ["42"]);
  assert.match(run.cells[1].failure?.traceback[0] ?? "", /wrong\.ts.*not assignable to type 'number'/);
  assert.deepEqual(dataOf(run.cells[2].outputs, "text/plain"), ["43"]);
});

test("what cells keep of records is declared in the lab's own words", () => {
  // Zod's spelled-out types cannot be named where node_modules is a link, and take long to work out in every cell.
  const converter = createConverter({ isJS: false, isBrowser: false });
  try {
    const { diagnostics, declOutput } = converter.convert(
      "",
      `import * as lab from "kernel-lab";
const swept: lab.Sweep = JSON.parse("{}");
const kept = { failures: swept.failures };
const kind = swept.failures[0].kind;
const { verdict, environment } = swept.records[0];`,
    );
    assert.deepEqual(diagnostics, []);
    assert.match(declOutput ?? "", /failures: lab\.Failure\[\]/);
    assert.match(declOutput ?? "", /kind: "skipped" \| "failed"/);
    assert.match(declOutput ?? "", /environment: lab\.Environment/);
    assert.doesNotMatch(declOutput ?? "", /zod/);
  } finally {
    converter.close();
  }
});
