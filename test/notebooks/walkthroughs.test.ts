import assert from "node:assert/strict";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { CellOutput } from "kernel-lab/dist/notebook/document";
import { runNotebook } from "kernel-lab/dist/notebook/runner";
import { dataOf, executeWithJupyter, noJupyter, root, temporaryFolder, textOf } from "./support";

const WALKTHROUGHS = [
  "00-how-a-gpu-runs-your-kernel",
  "01-online-softmax",
  "02-tiling-sweep",
  "03-moe-load-balance",
  "04-flash-attention",
];

/** Results of test runs go here instead of results/. */
function isolateHome(folder: string): void {
  process.env.KERNEL_LAB_DEVICE = "cpu";
  for (const part of ["kernels", "native", "data"]) {
    mkdirSync(folder, { recursive: true });
    // Linked folders, so that only results/ is the test's own.
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  process.env.KERNEL_LAB_HOME = folder;
}

/** What every walkthrough must show, whoever runs it. */
function assertShown(cells: readonly (readonly CellOutput[])[]): void {
  const outputs = cells.flat();
  const errors = outputs.filter((output) => output.output_type === "error");
  assert.deepEqual(errors, [], "no cell fails");
  const html = dataOf(outputs, "text/html");
  // Interactive plots carry a whole library, in which anything may occur: the pictures are judged.
  const plots = html.filter((text) => text.includes("<svg") && !text.includes("<script"));
  const tables = html.filter((text) => text.includes("<table"));
  assert.ok(plots.length >= 2, `${plots.length} plots`);
  assert.ok(tables.length >= 1, `${tables.length} tables`);
  for (const plot of plots) {
    assert.ok((plot.match(/<(rect|path|circle|line)\b/g) ?? []).length >= 2, "a plot has marks");
    assert.ok(!plot.includes("NaN"), "a plot has a mark that is nowhere");
  }
  const everything = [...html, ...cells.map((cell) => textOf(cell))].join("\n");
  const times = /GB\/s|\bmedian\b/.test(everything);
  assert.ok(!times || /not GPU times/i.test(everything), "CPU times are called what they are");
  assert.ok(
    html.some((text) => text.includes("<iframe") && text.includes("step by step")),
    "a kernel to step through",
  );
}

for (const name of WALKTHROUGHS) {
  test(`${name} runs headless with Node alone`, async (context) => {
    isolateHome(join(temporaryFolder(context), "home"));
    const run = await runNotebook(join(root, "notebooks", `${name}.ipynb`), { timeLimit: 240 });
    const failure = run.cells.find((cell) => cell.failure && !cell.expected)?.failure;
    assert.equal(run.ok, true, failure?.traceback.join("\n"));
    assertShown(
      run.cells.map((cell) =>
        cell.outputs.filter((output) => !(cell.expected && output.output_type === "error")),
      ),
    );
  });

  test(`${name} runs through Jupyter`, { skip: noJupyter }, async (context) => {
    const folder = temporaryFolder(context);
    isolateHome(join(folder, "home"));
    assertShown(
      await executeWithJupyter(join(root, "notebooks", `${name}.ipynb`), join(folder, "executed.ipynb")),
    );
  });
}
