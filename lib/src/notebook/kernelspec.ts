/** Registers the lab's kernel with a Jupyter installation; no Python runs for it. */

import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The name notebooks carry in their metadata. */
export const KERNEL_NAME = "tslab";
/** The name a person sees in JupyterLab's launcher. */
export const KERNEL_DISPLAY_NAME = "TypeScript (Kernel Lab)";

/**
 * Writes the kernel spec under a Jupyter data folder (`<environment>/share/jupyter`) and returns its path.
 *
 * `interrupt_mode` is "signal": a signal also ends synchronous code of a cell, which a message cannot reach.
 */
export function writeKernelSpec(jupyterDataDir: string): string {
  const folder = join(jupyterDataDir, "kernels", KERNEL_NAME);
  mkdirSync(folder, { recursive: true });
  const spec = {
    argv: [process.execPath, join(__dirname, "kernel.js"), "{connection_file}"],
    display_name: KERNEL_DISPLAY_NAME,
    language: "typescript",
    interrupt_mode: "signal",
    metadata: { debugger: false },
  };
  const file = join(folder, "kernel.json");
  writeFileSync(`${file}.tmp`, `${JSON.stringify(spec, null, 2)}\n`);
  renameSync(`${file}.tmp`, file);
  return file;
}
