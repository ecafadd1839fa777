import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { homePath } from "../../core/paths";
import { cached, cachedAlready } from "../cache";
import { type HostCompiler, runCompiler } from "./compiler";
import { cpuFeatures } from "./cpu";

/** The header that every module begins with. */
export const deviceHeaderName = "kernel_lab_device.h";
let stamp: string | undefined;

/** Text of the device headers, read once a process: a change of one makes every entry of the cache stale. */
export function deviceHeaders(): string {
  stamp ??= readAll(deviceHeaderFolder());
  return stamp;
}

/** Where the device headers lie. */
export const deviceHeaderFolder = (): string => homePath("native", "simt", "include");

function readAll(folder: string): string {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? readAll(path) : `${entry.name}\n${readFileSync(path, "utf8")}`;
    })
    .join("\n");
}

/** Compilers and flags whose precompiled headers this process is making, or could not make. */
const begun = new Set<string>();

/**
 * The header that a module begins with: precompiled where that was done before with the same flags, which saves g++ half
 * of a small kernel's compile.
 *
 * Where it was not, the header's own name is answered and the precompiling begins beside the module's compile, which does
 * not wait for it. `flags`: every flag of the compile but the module's own macros and folders. g++ leaves a precompiled
 * header aside that does not suit, and reads the text; clang finds none in this way.
 */
export function firstHeader(compiler: HostCompiler, flags: readonly string[]): string {
  if (compiler.clang) return deviceHeaderName;
  // Its paths are in it, and stand in what the compiler says.
  const key = [
    compiler.path,
    compiler.version,
    cpuFeatures(),
    deviceHeaderFolder(),
    deviceHeaders(),
    ...flags,
  ];
  const made = cachedAlready("headers", key);
  if (made) return join(made, deviceHeaderName);
  const id = [compiler.path, ...flags].join(" ");
  if (!begun.has(id)) {
    begun.add(id);
    cached("headers", key, (dir) => precompile(compiler, flags, dir)).then(
      () => begun.delete(id), // it may be damaged, or cleaned away, one day
      () => undefined, // a cache without room, a compiler without the feature: modules are built from the text
    );
  }
  return deviceHeaderName;
}

async function precompile(compiler: HostCompiler, flags: readonly string[], dir: string): Promise<void> {
  const source = join(deviceHeaderFolder(), deviceHeaderName);
  const own = flags.filter(
    (flag) => flag !== "-x" && flag !== "c++" && flag !== "-shared" && !flag.startsWith("-Wl,"),
  );
  const { code, err } = await runCompiler(
    compiler.path,
    [...own, "-x", "c++-header", source, "-o", `${deviceHeaderName}.gch`],
    dir,
  );
  if (code !== 0) throw new Error(err);
  // What g++ reads where the precompiled one does not suit.
  writeFileSync(join(dir, deviceHeaderName), `#include ${JSON.stringify(source)}\n`);
}
