import { existsSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { env } from "./env";
import { LabError } from "./error";

/** The package's own folder: the one that holds dist/ and package.json. */
export const packageRoot: string = resolve(realpathSync(__dirname), "..", "..");

let found: string | undefined;

/** The folder that holds kernels/ and native/: a source checkout or an unpacked bundle. */
export function home(): string {
  const set = env("KERNEL_LAB_HOME");
  if (set) return resolve(set);
  found ??=
    [packageRoot, resolve(__dirname), process.cwd()].map(above).find((folder) => folder !== null) ??
    undefined;
  if (!found) {
    throw new LabError(
      "no-home",
      `Looked for the lab's kernels/ and native/ above ${packageRoot} and found none.`,
      {
        advice: "Set KERNEL_LAB_HOME to the checkout or the unpacked bundle.",
      },
    );
  }
  return found;
}

function above(start: string): string | null {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "kernels")) && existsSync(join(folder, "native"))) return folder;
    if (dirname(folder) === folder) return null;
  }
}

/** Path below the lab's home folder. */
export function homePath(...parts: string[]): string {
  return join(home(), ...parts);
}

/** Path of a kernel file: "softmax/03_warp.cu" resolves in kernels/, an absolute path or one that exists stays. */
export function kernelPath(name: string): string {
  if (isAbsolute(name)) return name;
  const inKernels = homePath("kernels", name);
  return existsSync(inKernels) || !existsSync(name) ? inKernels : resolve(name);
}

/** Path in data/: recorded baselines, GPU facts, shapes. */
export function dataPath(...parts: string[]): string {
  return homePath("data", ...parts);
}

/** Path in results/. */
export function resultsPath(...parts: string[]): string {
  return homePath("results", ...parts);
}
