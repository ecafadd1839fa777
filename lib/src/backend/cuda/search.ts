import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { env } from "../../core/env";
import { home } from "../../core/paths";

let found: readonly string[] | undefined;

/** Folders that may hold a CUDA toolkit's libraries and headers, in the order they are tried. */
export function cudaRoots(): readonly string[] {
  if (found) return found;
  const near = existing([
    ...(env("KERNEL_LAB_CUDA_PATH")?.split(":") ?? []),
    env("CUDA_HOME") ?? "",
    process.env.CUDA_PATH ?? "",
    "/usr/local/cuda",
    "/usr/local/nvidia",
    ...nvidiaPackages([labEnvironment(), env("VIRTUAL_ENV") ?? ""].filter(Boolean).flatMap(sitePackages)),
  ]);
  // Python itself is asked, which takes a while, only when nothing nearer has the compiler.
  found = near.some(hasNvrtc) ? near : existing([...near, ...nvidiaPackages(systemSites())]);
  return found;
}

function existing(folders: readonly string[]): string[] {
  return [...new Set(folders)].filter((folder) => folder && existsSync(folder));
}

function hasNvrtc(root: string): boolean {
  return librariesOf(root).some((folder) =>
    readdirSync(folder).some((name) => name.startsWith("libnvrtc.so")),
  );
}

function librariesOf(root: string): string[] {
  return ["lib64", "lib", "lib/x86_64-linux-gnu", "targets/x86_64-linux/lib", ""]
    .map((sub) => join(root, sub))
    .filter(existsSync);
}

/** Folders to look in for shared libraries: every root and its usual library folders. */
export function cudaLibraryFolders(): string[] {
  return cudaRoots().flatMap(librariesOf);
}

/** Include folders of CUDA's own headers and of libcu++, where a toolkit has them. */
export function cudaIncludes(): string[] {
  return cudaRoots()
    .flatMap((root) => [join(root, "include"), join(root, "include", "cccl")])
    .filter((folder) => existsSync(join(folder, "cuda_fp16.h")) || existsSync(join(folder, "cuda", "std")));
}

/** NVIDIA's pip packages in Python's package folders. */
function nvidiaPackages(sites: readonly string[]): string[] {
  const names = ["cu13", "cu12", "cuda_nvrtc", "cuda_runtime"];
  return sites.flatMap((site) => names.map((name) => join(site, "nvidia", name)));
}

function labEnvironment(): string {
  try {
    return join(home(), ".lab", "venv");
  } catch {
    return "";
  }
}

function sitePackages(environment: string): string[] {
  const lib = join(environment, "lib");
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
