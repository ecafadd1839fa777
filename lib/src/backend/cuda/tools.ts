import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cudaRoots } from "./search";

/** A program of the CUDA toolkit that the lab can use. */
export type CudaTool = "nvdisasm" | "ncu" | "compute-sanitizer";

/** Where Nsight Compute is installed by its own package, one folder a version. */
const nsightFolder = "/opt/nvidia/nsight-compute";

/** Path of a CUDA tool: on PATH, in the toolkits' bin folders, for ncu in Nsight Compute's own; or null. */
export function findCudaTool(name: CudaTool): string | null {
  const folders = [
    ...(process.env.PATH ?? "").split(delimiter),
    ...cudaRoots().map((root) => join(root, "bin")),
    ...(name === "ncu" ? nsightVersions() : []),
  ];
  return folders.map((folder) => folder && join(folder, name)).find((path) => path && runs(path)) ?? null;
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Nsight Compute's folders, the newest first. */
function nsightVersions(): string[] {
  if (!existsSync(nsightFolder)) return [];
  return readdirSync(nsightFolder)
    .sort((a, b) => b.localeCompare(a, "en", { numeric: true }))
    .map((version) => join(nsightFolder, version));
}
