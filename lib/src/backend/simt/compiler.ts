import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { env } from "../../core/env";
import { LabError } from "../../core/error";

/** A C++ compiler that can build kernels. */
export interface HostCompiler {
  readonly path: string;
  /** Its first line of `--version`. */
  readonly version: string;
  readonly clang: boolean;
}

// Distributions name further versions by number: a machine may have nothing but a g++-13.
const gccs = ["g++", ...[16, 15, 14, 13, 12, 11].map((n) => `g++-${n}`)];
const clangs = ["clang++", ...[22, 21, 20, 19, 18, 17, 16, 15, 14].map((n) => `clang++-${n}`)];
const names = ["g++", "clang++", ...gccs.slice(1), ...clangs.slice(1), "c++"];
const known = new Map<string, Promise<HostCompiler>>();

/** The compiler of the CPU device: $CXX, else the first of g++, clang++, g++-16 to 11, clang++-22 to 14 on PATH. Errors: "no-compiler". */
export function hostCompiler(): Promise<HostCompiler> {
  const wanted = env("CXX");
  const key = `${wanted ?? ""}|${process.env.PATH ?? ""}`;
  let found = known.get(key);
  if (!found) {
    found = find(wanted);
    known.set(key, found);
    found.catch(() => known.delete(key));
  }
  return found;
}

/**
 * The compiler of instrumented modules: a g++ where there is one, else the device's own.
 *
 * g++ keeps the copy of a float4 whole; clang takes it apart before it instruments, so that four accesses are told of one.
 */
export async function lensCompiler(): Promise<HostCompiler> {
  const own = await hostCompiler();
  if (!own.clang) return own;
  for (const name of gccs) {
    const path = onPath(name);
    const { code, out } = path
      ? await runCompiler(path, ["-dumpversion"], process.cwd())
      : { code: 1, out: "" };
    const version = `g++ ${out.trim()}`;
    if (path && code === 0 && Number.parseInt(out, 10) >= 11) return { path, version, clang: false };
  }
  return own;
}

async function find(wanted: string | undefined): Promise<HostCompiler> {
  for (const name of wanted ? [wanted] : names) {
    const path = onPath(name);
    if (!path) continue;
    const { code, out } = await runCompiler(path, ["--version"], process.cwd());
    if (code === 0) {
      const version = out.split("\n")[0]!.trim();
      return { path, version, clang: /clang/i.test(version) };
    }
  }
  throw new LabError(
    "no-compiler",
    wanted
      ? `The C++ compiler $CXX names, "${wanted}", was not found or does not run.`
      : "No C++ compiler was found; the CPU device compiles kernels with g++ (11 or newer) or clang++ (14 or newer).",
    { advice: "Install one: apt-get install g++ (or dnf install gcc-c++), or set CXX to its path." },
  );
}

function onPath(name: string): string | null {
  if (name.includes("/")) return existsSync(name) ? name : null;
  const folder = (process.env.PATH ?? "").split(delimiter).find((dir) => dir && existsSync(join(dir, name)));
  return folder ? join(folder, name) : null;
}

/** Runs the compiler. Throws "compiler-killed" where something ended it; what it says itself is answered. */
export function runCompiler(
  path: string,
  args: readonly string[],
  cwd: string,
): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const environment = { ...process.env, LC_ALL: "C" };
    execFile(path, [...args], { cwd, env: environment, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      // The driver tells when the compiler proper was ended.
      const ended = error?.signal ?? /fatal error: (.* signal) terminated program/.exec(stderr)?.[1];
      if (ended) return reject(compilerKilled(path, ended));
      const code = error ? (typeof error.code === "number" ? error.code : 1) : 0;
      resolve({ code, out: stdout, err: stderr || (error && !stderr ? error.message : "") });
    });
  });
}

function compilerKilled(path: string, signal: string): LabError {
  return new LabError(
    "compiler-killed",
    `The C++ compiler ${path} was ended by ${signal} before it was done, as the system does when memory runs out.`,
    { advice: "Free memory and compile again; nothing was cached, and the device and its tensors live on." },
  );
}

/**
 * Flags of every kernel module: CUDA's semantics (multiply-adds contracted, no errno), code for this machine, line
 * tables for faults. No semantic interposition, so that a module's functions inline into each other.
 */
export function moduleFlags(compiler: HostCompiler): string[] {
  return [
    "-x",
    "c++",
    "-std=c++17",
    "-O3",
    process.arch === "x64" ? "-march=native" : "-mcpu=native",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-strict-aliasing",
    // A null pointer's access is a fault to be told, and no proof that the kernel is never reached.
    "-fno-delete-null-pointer-checks",
    // Ubuntu's g++ fortifies by default: its checked copies bypass the lens, and clash with the hooks' own memcpy.
    "-U_FORTIFY_SOURCE",
    "-fno-exceptions",
    "-fno-asynchronous-unwind-tables",
    "-fno-stack-protector",
    // A large frame touches every page it takes, so that it meets the guard below the stack.
    "-fstack-clash-protection",
    // Every module has variables of its own: none is shared with another module through the loader.
    "-fvisibility=hidden",
    "-fno-plt",
    "-fomit-frame-pointer",
    // A call at a function's end stays a call, so that a fault in it has its line.
    "-fno-optimize-sibling-calls",
    "-fPIC",
    "-shared",
    // Who refers to what stays to be read, so that each kernel's shared memory is known.
    "-ffunction-sections",
    "-Wl,--emit-relocs",
    // A module's own functions, operator new among them, and not another library's of the same name.
    "-Wl,-Bsymbolic-functions",
    "-g1",
    "-w",
    "-fmax-errors=20",
    ...(compiler.clang
      ? ["-ferror-limit=20", "-fno-caret-diagnostics", "-fno-color-diagnostics"]
      : [
          "-fno-gnu-unique",
          "-fno-semantic-interposition",
          "-fno-diagnostics-show-caret",
          "-fdiagnostics-color=never",
        ]),
  ].filter((flag) => !(compiler.clang && flag === "-fmax-errors=20"));
}
