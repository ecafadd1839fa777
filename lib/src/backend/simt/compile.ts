import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { homePath } from "../../core/paths";
import { type ReachedFile, reachedFiles } from "../../core/reached";
import { cached } from "../cache";
import type { CompiledModule, CompileRequest } from "../compiled";
import { branches, droppedBranches, marked, needsDeciding } from "./branches";
import { type HostCompiler, hostCompiler, lensCompiler, moduleFlags, runCompiler } from "./compiler";
import { cpuFeatures } from "./cpu";
import { deviceHeaderFolder, deviceHeaderName, deviceHeaders, firstHeader } from "./deviceHeaders";
import { hostCompileError } from "./diagnostics";
import { chooseEntries, entryError, type ModuleText } from "./entries";
import { buildInstrumented, instrumentation, instrumentFlags } from "./instrument";
import { entryTable, refuseLaunches, translate } from "./translate";

interface Built {
  readonly entries: { name: string; symbol: string }[];
  readonly log: string;
}

/**
 * Compiles CUDA C++ for the CPU device: the same source, through the lab's own device headers and the host's C++
 * compiler, to a shared object in the cache.
 *
 * Errors: "no-compiler", "compile-error" (file, line, caret), "no-such-kernel", "unsupported", "cache-*".
 */
export function compileForCpu(request: CompileRequest): Promise<CompiledModule> {
  return compile(request, "cpu");
}

/**
 * Compiles the same source for the lens: every memory access and every basic block of it calls out.
 *
 * Errors: as `compileForCpu`, and "no-instrumentation" where the compiler cannot.
 */
export function compileForLens(request: CompileRequest): Promise<CompiledModule> {
  return compile(request, "lens");
}

/** As `compileForLens`, and the kernels also tell every statement they run and their named locals: see steps.ts. */
export function compileForSteps(request: CompileRequest): Promise<CompiledModule> {
  return compile(request, "steps");
}

/** As `compileForLens`, with the compiler's own checks, which tell the lens what they find. */
export function compileForChecks(request: CompileRequest): Promise<CompiledModule> {
  return compile(request, "checks");
}

/** To be raised where the translation of a source changes: modules made by the one before are built again. */
const translation = "2";

/** What a module is made for, which is also the name of its shelf in the cache. */
type Purpose = "cpu" | "lens" | "checks" | "steps";

async function compile(request: CompileRequest, purpose: Purpose): Promise<CompiledModule> {
  const start = performance.now();
  const compiler = await (purpose === "cpu" ? hostCompiler() : lensCompiler());
  const folders = [...request.includes, homePath("kernels", "include")];
  const headers = reachedFiles(request.source, folders);
  const arguments_ = argumentsOf(request, compiler);
  if (purpose === "steps") arguments_.push(...stepFlags(compiler));
  const key = [
    ...(purpose === "cpu" ? [] : instrumentation(compiler, purpose !== "lens")),
    ...(purpose === "steps" ? [translate(request.source, true)] : []),
    translation,
    compiler.version,
    cpuFeatures(),
    deviceHeaders(),
    request.source,
    request.fileName,
    ...request.names,
    request.namesFound ? "found" : "asked",
    ...arguments_,
    ...headers.flatMap(({ name, text }) => [name, text]),
  ];
  const { dir, hit } = await cached(purpose, key, (folder) =>
    build(request, compiler, arguments_, headers, folder, purpose),
  );
  const built = JSON.parse(readFileSync(join(dir, "build.json"), "utf8")) as Built;
  return {
    dir,
    binary: join(dir, "module.so"),
    entries: built.entries,
    log: built.log,
    seconds: (performance.now() - start) / 1000,
    cached: hit,
    compiler: compiler.version,
  };
}

/**
 * Steps are calls, which make functions large; but g++ instruments what a function returns into memory only where the
 * function is inlined, so it must inline all the same.
 */
function stepFlags(compiler: HostCompiler): string[] {
  const limits = [
    "max-inline-insns-single",
    "max-inline-insns-auto",
    "large-function-insns",
    "large-function-growth",
    "inline-unit-growth",
    "large-stack-frame-growth",
  ];
  const inlining = compiler.clang ? [] : limits.flatMap((limit) => ["--param", `${limit}=100000`]);
  return ["-D__KERNEL_LAB_STEPS__=1", "-finline-functions", ...inlining];
}

/** What every module is compiled with. */
function commonArguments(compiler: HostCompiler): string[] {
  return [...moduleFlags(compiler), "-D__KERNEL_LAB_CPU__=1", "-D__CUDACC__=1", "-D__CUDA_ARCH__=900"];
}

/** Options that belong to the request; the key of the cache holds them. */
function argumentsOf(request: CompileRequest, compiler: HostCompiler): string[] {
  const value = (given: string | number | boolean): string =>
    given === true ? "1" : given === false ? "0" : String(given);
  return [
    ...commonArguments(compiler),
    ...Object.entries(request.defines).map(([name, given]) => `-D${name}=${value(given)}`),
    // NVRTC's own spellings mean nothing to a host compiler.
    ...request.options.filter((option) => /^-[DUIOfW]/.test(option)),
  ];
}

async function build(
  request: CompileRequest,
  compiler: HostCompiler,
  arguments_: readonly string[],
  headers: readonly ReachedFile[],
  dir: string,
  purpose: Purpose,
): Promise<void> {
  // Headers lie as they do at home, so that one includes another by the same way, and "#pragma once" knows a file.
  const mirror = (path: string): string => join(dir, "headers", resolve(path));
  const folders = [...request.includes, homePath("kernels", "include")];
  // A way up from a folder ("../a.h") exists only where the folder itself does.
  for (const folder of folders) mkdirSync(mirror(folder), { recursive: true });
  // A precompiled header suits the flags it was made with, which these would change.
  const otherFlags = request.options.some((option) => /^-[fOW]/.test(option));
  const first = otherFlags
    ? deviceHeaderName
    : firstHeader(compiler, [
        ...commonArguments(compiler),
        ...(purpose === "cpu" ? [] : instrumentFlags(compiler, purpose !== "lens")),
        ...(purpose === "steps" ? stepFlags(compiler) : []),
      ]);
  const beginningWith = (header: string): string[] => [
    ...arguments_,
    ...folders.map((folder) => `-I${mirror(folder)}`),
    ...folders.map((folder) => `-I${folder}`),
    `-I${deviceHeaderFolder()}`,
    "-include",
    header,
  ];
  const write = (texts: readonly string[]): void => {
    headers.forEach(({ path, name }, index) => {
      mkdirSync(dirname(mirror(path)), { recursive: true });
      writeFileSync(mirror(path), `#line 1 ${JSON.stringify(name)}\n${texts[index]}`);
    });
  };
  const [source, ...headerTexts] = await decideBranches(
    request,
    compiler,
    beginningWith(deviceHeaderName),
    headers,
    dir,
    write,
  );
  for (const { text, name, dropped } of [source!, ...headerTexts]) refuseLaunches(text, name, dropped);
  const entries = chooseEntries(request, source!, headerTexts);
  const translated = translate(source!.text, purpose === "steps", source!.dropped);
  writeFileSync(join(dir, "source.cu"), request.source);
  const file = JSON.stringify(request.fileName);
  writeFileSync(
    join(dir, "module.cc"),
    `#line 1 ${file}\n${translated}\n#line 1 "kernel table"\n${entryTable(entries)}\n`,
  );
  write(headerTexts.map(({ text, dropped }) => translate(text, false, dropped)));
  const compileBeginningWith = (header: string) =>
    purpose === "cpu"
      ? runCompiler(compiler.path, [...beginningWith(header), "module.cc", "-o", "module.so"], dir)
      : buildInstrumented(compiler, beginningWith(header), dir, purpose !== "lens");
  let { code, err } = await compileBeginningWith(first);
  // Before g++ 13 a precompiled header works only at the address it was made for, which may be taken.
  if (code !== 0 && first !== deviceHeaderName && /\bPCH\b/.test(err))
    ({ code, err } = await compileBeginningWith(deviceHeaderName));
  if (code !== 0) throw entryError(request, entries, source!, err) ?? hostCompileError(request, err);
  rmSync(join(dir, "headers"), { recursive: true, force: true });
  const names = entries.map(({ name }) => ({ name, symbol: name }));
  writeFileSync(join(dir, "build.json"), JSON.stringify({ entries: names, log: err } satisfies Built));
}

/**
 * The source and its headers, each with the branches of `#if` that the compiler's own preprocessor leaves out. It is
 * run only where a branch holds what matters before the compiler decides; where it fails, every branch stays, and the
 * compiler will say why.
 */
async function decideBranches(
  request: CompileRequest,
  compiler: HostCompiler,
  arguments_: readonly string[],
  headers: readonly ReachedFile[],
  dir: string,
  writeHeaders: (texts: readonly string[]) => void,
): Promise<ModuleText[]> {
  const files = [{ name: request.fileName, text: request.source }, ...headers].map(({ name, text }) => ({
    name,
    text,
    branches: branches(text),
  }));
  const undecided = files.map(({ name, text }) => ({ name, text, dropped: [] }));
  const makesKernels = files.some(({ text }) =>
    /^[ \t]*#[ \t]*define\b.*(?:\\\r?\n.*)*\b__global__\b/m.test(text),
  );
  const matter = files.some(
    (file, index) =>
      needsDeciding(file.text, file.branches) || (index === 0 && makesKernels && file.branches.length > 0),
  );
  if (!matter) return undecided;
  const [main, ...others] = files.map((file, index) => marked(file.text, file.branches, index));
  writeHeaders(others);
  writeFileSync(join(dir, "branches.cc"), main!);
  const { code, out } = await runCompiler(compiler.path, [...arguments_, "-E", "-P", "branches.cc"], dir);
  rmSync(join(dir, "branches.cc"));
  if (code !== 0) return undecided;
  return files.map(({ name, text, branches }, index) => ({
    name,
    text,
    dropped: droppedBranches(branches, index, out),
  }));
}
