import { existsSync } from "node:fs";
import { join } from "node:path";
import { homePath } from "kernel-lab/dist/core/paths";
import * as instances from "./instances";

/** A collection of somebody else's kernels. */
export interface Family {
  readonly name: string;
  /** Its folder below the third-party folder, the root of everything below. */
  readonly folder: string;
  /** Folders for #include, below the root. */
  readonly folders: readonly string[];
  /** What a test says where the files are missing. */
  readonly absent: string;
  /** Files to pass over. */
  readonly skip?: RegExp;
  /** Headers whose kernels belong to the file of their own. */
  readonly shared?: RegExp;
  readonly defines?: Readonly<Record<string, string>>;
  /** Instances of templates whose launches take the host's variables as arguments. */
  readonly instances?: Readonly<Record<string, string>>;
}

const fetched =
  "its files are not here: npm run third-party brings them, or KERNEL_LAB_THIRD_PARTY names their folder";

/** Every family; `npm run third-party` brings them, except the one it cannot. */
export const families: readonly Family[] = [
  {
    name: "nvidia",
    folder: "nvidia/Samples",
    folders: ["../Common"],
    instances: instances.nvidia,
    defines: { CUDART_VERSION: "11080" },
    absent: fetched,
  },
  {
    name: "ggml",
    folder: "ggml/src/ggml-cuda",
    folders: [".", "..", "../../include"],
    skip: /^(?:template-instances|vendors)|ggml-cuda\.cu$/,
    instances: instances.ggml,
    absent: fetched,
  },
  {
    name: "exllamav2",
    folder: "exllamav2/exllamav2_ext",
    folders: ["."],
    instances: instances.exllamav2,
    absent: fetched,
  },
  {
    name: "sgemm",
    folder: "sgemm",
    folders: ["."],
    instances: instances.sgemm,
    // Rungs 11 and 12 take the warp's size from the file of rung 10.
    defines: { WARPSIZE: "32" },
    skip: /^10_/,
    absent:
      "the ladder is in no registry: put the .cuh files of siboehm/SGEMM_CUDA, src/kernels, into .lab/third-party/sgemm",
  },
];

/** Where the families lie: KERNEL_LAB_THIRD_PARTY, or `.lab/third-party`. */
export function folderOf(family: Family): string | null {
  const root = process.env.KERNEL_LAB_THIRD_PARTY ?? homePath(".lab", "third-party");
  const path = join(root, family.folder);
  return existsSync(path) ? path : null;
}
