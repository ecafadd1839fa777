import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LabError } from "../../core/error";
import { homePath } from "../../core/paths";
import { cached } from "../cache";
import { type HostCompiler, runCompiler } from "./compiler";
import { deviceHeaders } from "./deviceHeaders";

// A GPU's compiler inlines device functions. g++ must too: it does not instrument a structure that a call takes or answers
// by value in memory, so that `join(mine, shared[w])` of a function left out of line would be a load unseen.
const inlining = [
  "-finline-functions",
  ...[
    ["max-inline-insns-auto", 1000],
    ["max-inline-insns-single", 1000],
    ["early-inlining-insns", 200],
    ["large-function-growth", 2000],
    ["large-stack-frame-growth", 10000],
    ["inline-unit-growth", 2000],
  ].map(([name, value]) => `--param=${name}=${value}`),
];

// What clang must leave as written: no branch made a selection, nothing common to two branches moved before or behind them,
// and no two calls made one.
const asWritten = [
  "phi-node-folding-threshold=0",
  "two-entry-phi-node-folding-threshold=0",
  "speculate-one-expensive-inst=false",
  "simplifycfg-hoist-common=false",
  "simplifycfg-sink-common=false",
  "simplifycfg-hoist-cond-stores=false",
  "simplifycfg-merge-cond-stores=false",
  "enable-tail-merge=false",
].flatMap((option) => ["-mllvm", `-${option}`]);

/**
 * Flags that make a compiler call out before every access and at every basic block (hooks/lens_hooks.cc answers), and
 * that keep its code close to the source, so that what is counted is what the source says:
 *
 * - scalar code: no vectorising, no merging of neighbouring stores, no branches turned into moves
 * - blocks laid out in the order of the source, which the lens's replay of warps relies on
 * - g++: aggregates are not taken apart, so that a float4 is one access of 16 bytes. clang has no such switch: a vector whose
 *   members are used one by one is told as its members, or as halves where a function answered it, and not checked for its
 *   alignment as a whole. So g++ is preferred (compiler.ts), and test/lens/clang.test.ts holds what clang alone can do
 */
export function instrumentFlags(compiler: HostCompiler, checks: boolean): string[] {
  const common = ["-O2", "-g", "-D__KERNEL_LAB_LENS__=1", "-fsanitize=thread"];
  // The checks call out where they fail and the kernel goes on (hooks/check_hooks.inc.h).
  if (checks) common.push("-fsanitize=signed-integer-overflow,bounds,alignment");
  if (compiler.clang) {
    return [
      ...common,
      // addr2line misses functions inlined in several pieces where clang tells of them in DWARF 5.
      "-gdwarf-4",
      "-fsanitize-coverage=bb,no-prune,trace-pc",
      "-mllvm",
      "-tsan-distinguish-volatile=1",
      "-fno-vectorize",
      "-fno-slp-vectorize",
      "-fno-unroll-loops",
      ...asWritten,
    ];
  }
  return [
    ...common,
    "-fsanitize-coverage=trace-pc",
    "--param=tsan-distinguish-volatile=1",
    "-fno-tree-vectorize",
    "-fno-tree-slp-vectorize",
    "-fno-tree-sra",
    "-fno-ipa-sra",
    "-fno-store-merging",
    "-fno-if-conversion",
    "-fno-if-conversion2",
    "-fno-reorder-blocks",
    "-fno-reorder-blocks-and-partition",
    "-fno-crossjumping",
    "-fno-tree-tail-merge",
    ...inlining,
  ];
}

/** Whether the compiler instruments at all, on this machine. Throws "no-instrumentation" with what it said. */
export async function checkInstrumentation(compiler: HostCompiler): Promise<void> {
  const nothing = ["-x", "c++", "/dev/null", "-c", "-o", "/dev/null"];
  const { code, err } = await runCompiler(
    compiler.path,
    [...instrumentFlags(compiler, true), ...nothing],
    process.cwd(),
  );
  if (code !== 0) throw unable(compiler, err.trim().split("\n")[0] ?? "");
}

const hooksFile = () => homePath("native", "simt", "hooks", "lens_hooks.cc");
const checksFile = () => homePath("native", "simt", "hooks", "check_hooks.inc.h");

/** What an instrumented module depends on beside its source: for the key of the cache. */
export function instrumentation(compiler: HostCompiler, checks: boolean): string[] {
  return ["-Bsymbolic-functions", ...instrumentFlags(compiler, checks), ...hookSources()];
}

function hookSources(): string[] {
  return [hooksFile(), checksFile(), homePath("native", "simt", "lens", "hook_table.h")].map((file) =>
    readFileSync(file, "utf8"),
  );
}

/**
 * Builds module.cc in `dir` to an instrumented module.so: the source with the instrumentation, the hooks without.
 *
 * `full` are the compiler's arguments of a plain module. `checks`: the compiler's own checks too, of overflow, bounds
 * and alignment, whose branches are in the way of counting. Throws "no-instrumentation".
 */
export async function buildInstrumented(
  compiler: HostCompiler,
  full: readonly string[],
  dir: string,
  checks: boolean,
): Promise<{ code: number; err: string }> {
  const arguments_ = full.filter((argument) => argument !== "-shared");
  const hooks = compiledHooks(compiler);
  hooks.catch(() => undefined); // told below, unless the module's own error comes first
  const module = await runCompiler(
    compiler.path,
    [...arguments_, ...instrumentFlags(compiler, checks), "-c", "module.cc", "-o", "module.o"],
    dir,
  );
  if (module.code !== 0) {
    throwUnlessAble(compiler, module.err);
    return module;
  }
  // The module calls the memcpy of the hooks, not the library's of the same name.
  const linked = await runCompiler(
    compiler.path,
    ["-shared", "-Wl,-Bsymbolic-functions", "module.o", await hooks, "-o", "module.so", "-lm"],
    dir,
  );
  rmSync(join(dir, "module.o"));
  return { code: linked.code, err: module.err + linked.err };
}

/** The hooks' object file, in the cache: every instrumented module is linked with the same. */
async function compiledHooks(compiler: HostCompiler): Promise<string> {
  const arguments_ = [
    "-std=c++17",
    "-O2",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-exceptions",
    "-fcf-protection=none",
    // With Ubuntu's default the library would inline the memcpy that the hooks define.
    "-U_FORTIFY_SOURCE",
    "-fno-stack-protector",
  ];
  const key = [compiler.version, deviceHeaders(), ...hookSources(), ...arguments_];
  const { dir } = await cached("hooks", key, async (folder) => {
    const { code, err } = await runCompiler(
      compiler.path,
      [...arguments_, "-c", hooksFile(), "-o", "hooks.o"],
      folder,
    );
    if (code !== 0) throw unable(compiler, err.trim().split("\n")[0] ?? "");
  });
  return join(dir, "hooks.o");
}

/** A compiler that does not know the flags, or has no support for them on this machine, says so in these words. */
function throwUnlessAble(compiler: HostCompiler, log: string): void {
  const said =
    /^.*(?:unrecognized|unknown|unsupported|not supported|no such).*(?:sanitize|-f[\w-]+).*$/im.exec(log) ??
    /^.*sanitize.*(?:unrecognized|unknown|unsupported|not supported).*$/im.exec(log);
  if (!said) return;
  throw unable(compiler, said[0].trim());
}

function unable(compiler: HostCompiler, said: string): LabError {
  return new LabError(
    "no-instrumentation",
    `The lens needs a compiler that instruments memory accesses; ${compiler.version} does not: ${said}`,
    {
      advice:
        "Install g++ 11 or newer (apt-get install g++) or clang++ 14 or newer, or set CXX to one; `lab doctor` shows what is found.",
    },
  );
}
