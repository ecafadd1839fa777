import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { env } from "../../core/env";
import { home } from "../../core/paths";

let found: string[] | undefined;

/** Folders that may hold a CUDA toolkit's libraries and headers, in the order they are tried. */
export function cudaRoots(): readonly string[] {
  found ??= [
    ...(env("KERNEL_LAB_CUDA_PATH")?.split(":") ?? []),
    env("CUDA_HOME") ?? "",
    process.env.CUDA_PATH ?? "",
    "/usr/local/cuda",
    "/usr/local/nvidia",
    ...pythonRoots(),
  ].filter((folder, i, all) => folder && all.indexOf(folder) === i && existsSync(folder));
  return found;
}

/** Folders to look in for shared libraries: every root and its usual library folders. */
export function cudaLibraryFolders(): string[] {
  return cudaRoots()
    .flatMap((root) =>
      ["lib64", "lib", "lib/x86_64-linux-gnu", "targets/x86_64-linux/lib", ""].map((sub) => join(root, sub)),
    )
    .filter(existsSync);
}

/** Include folders of CUDA's own headers and of libcu++, where a toolkit has them. */
export function cudaIncludes(): string[] {
  return cudaRoots()
    .flatMap((root) => [join(root, "include"), join(root, "include", "cccl")])
    .filter((folder) => existsSync(join(folder, "cuda_fp16.h")) || existsSync(join(folder, "cuda", "std")));
}

/** NVIDIA's pip packages in the lab's own environment, the active one, and the system's. */
function pythonRoots(): string[] {
  const environments = [labEnvironment(), env("VIRTUAL_ENV") ?? ""].filter(Boolean);
  const sites = environments.flatMap((folder) => sitePackages(join(folder, "lib")));
  return [...sites, ...systemSites()].flatMap((site) => {
    const nvidia = join(site, "nvidia");
    return ["cu13", "cu12", "cuda_nvrtc", "cuda_runtime"].map((name) => join(nvidia, name));
  });
}

function labEnvironment(): string {
  try {
    return join(home(), ".lab", "venv");
  } catch {
    return "";
  }
}

function sitePackages(lib: string): string[] {
  if (!existsSync(lib)) return [];
  return readdirSync(lib)
    .filter((name) => name.startsWith("python3"))
    .map((name) => join(lib, name, "site-packages"));
}

function systemSites(): string[] {
  try {
    const print = "import site; print('\\n'.join(site.getsitepackages() + [site.getusersitepackages()]))";
    return execFileSync("python3", ["-c", print], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 5000,
    })
      .split("\n")
      .filter(Boolean);
  } catch {
    return [];
  }
}
