import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { homePath } from "kernel-lab/dist/core/paths";

const cell = `
import * as lab from "kernel-lab";
async function cell() {
  const dev: lab.Device = await lab.open("cpu", { timeLimit: 5 });
  const kernel: lab.Kernel = await dev.compile("", { name: "k<float>", defines: { N: 4 } });
  const x: lab.Tensor = dev.randn([1 << 20], { seed: 1, outliers: { fraction: 0.1, scale: 3 } });
  await kernel.launch({ grid: lab.ceilDiv(10, 2), block: [16, 16] }, 2.0, x, [1, 2], { a: 1, b: x }, true, 3n, null);
  const out = await x.read();
  if (out instanceof Float32Array) { const f: number = out[0]; }
  const { registers }: { registers: number } = (await lab.compileCuda("", { arch: "sm_80" })).kernels["k"];
  // @ts-expect-error: typed arrays must not have decayed to any
  const notNumber: string = (out as Float32Array)[0];
  // @ts-expect-error: a misspelt option is seen in the cell
  await lab.open("cpu", { wrokers: 3 });
  // @ts-expect-error: so is a wrong dtype
  dev.zeros([1], { dtype: "f31" });
}`;

test("the declarations are good in a notebook's cell: TypeScript 5.0, node10 resolution", () => {
  const dir = mkdtempSync(join(tmpdir(), "lab-cell-"));
  try {
    writeFileSync(join(dir, "cell.ts"), cell);
    symlinkSync(homePath("node_modules"), join(dir, "node_modules"));
    const compiler = homePath("node_modules", "@tslab", "typescript-for-tslab", "lib", "tsc.js");
    const options =
      "--noEmit --skipLibCheck --target es2022 --lib es2022 --module commonjs --moduleResolution node10";
    execFileSync(process.execPath, [compiler, ...options.split(" "), "cell.ts"], {
      cwd: dir,
      encoding: "utf8",
    });
  } catch (error) {
    assert.fail((error as { stdout?: string }).stdout ?? String(error));
  } finally {
    rmSync(dir, { recursive: true });
  }
});
