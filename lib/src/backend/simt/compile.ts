import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { LabError } from "../../core/error";
import { macroKernels } from "../../core/macros";
import { homePath } from "../../core/paths";
import { type ReachedFile, reachedFiles } from "../../core/reached";
import { cached } from "../cache";
import type { CompiledModule, CompileRequest } from "../compiled";
import { type HostCompiler, hostCompiler, lensCompiler, moduleFlags, runCompiler } from "./compiler";
import { cpuFeatures } from "./cpu";
import { hostCompileError } from "./diagnostics";
import { buildInstrumented, instrumentation } from "./instrument";
import { findKernels, type KernelSite } from "./kernels";
import { shadow } from "./scan";
import { entryTable, translate } from "./translate";

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
    ...(purpose === "steps" ? [translate(request.source, request.fileName, true).text] : []),
    compiler.version,
    cpuFeatures(),
    deviceHeaders(),
    request.source,
    request.fileName,
    ...request.names,
    "--",
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

/** Options that belong to the request; the key of the cache holds them. */
function argumentsOf(request: CompileRequest, compiler: HostCompiler): string[] {
  const value = (given: string | number | boolean): string =>
    given === true ? "1" : given === false ? "0" : String(given);
  return [
    ...moduleFlags(compiler),
    "-D__KERNEL_LAB_CPU__=1",
    "-D__CUDACC__=1",
    "-D__CUDA_ARCH__=900",
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
  const translated = translate(request.source, request.fileName, purpose === "steps");
  const translatedHeaders = headers.map((header) => ({ header, ...translate(header.text, header.name) }));
  const entries = chooseEntries(
    request,
    [...translated.kernels, ...madeByMacros(request.source, headers)],
    translatedHeaders.flatMap(({ kernels }) => kernels),
  );
  writeFileSync(join(dir, "source.cu"), request.source);
  const file = JSON.stringify(request.fileName);
  writeFileSync(
    join(dir, "module.cc"),
    `#line 1 ${file}\n${translated.text}\n#line 1 "kernel table"\n${entryTable(entries)}\n`,
  );
  // Headers lie as they do at home, so that one includes another by the same way, and "#pragma once" knows a file.
  const mirror = (path: string): string => join(dir, "headers", resolve(path));
  for (const { header, text } of translatedHeaders) {
    const path = mirror(header.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#line 1 ${JSON.stringify(header.name)}\n${text}`);
  }
  const folders = [...request.includes, homePath("kernels", "include")];
  // A way up from a folder ("../a.h") exists only where the folder itself does.
  for (const folder of folders) mkdirSync(mirror(folder), { recursive: true });
  const full = [
    ...arguments_,
    ...folders.map((folder) => `-I${mirror(folder)}`),
    ...folders.map((folder) => `-I${folder}`),
    `-I${homePath("native", "simt", "include")}`,
    "-include",
    "kernel_lab_device.h",
  ];
  const { code, err } =
    purpose === "cpu"
      ? await runCompiler(compiler.path, [...full, "module.cc", "-o", "module.so"], dir)
      : await buildInstrumented(compiler, full, dir, purpose !== "lens");
  if (code !== 0) throw instantiationError(request, err) ?? hostCompileError(request, err);
  rmSync(join(dir, "headers"), { recursive: true, force: true });
  const names = entries.map(({ name }) => ({ name, symbol: name }));
  writeFileSync(join(dir, "build.json"), JSON.stringify({ entries: names, log: err } satisfies Built));
}

/** An error in the table of entries is a name expression that does not fit its template. */
function instantiationError(request: CompileRequest, log: string): LabError | null {
  const first = /^(.+?):\d+:\d+: (?:fatal )?error: (.*)$/m.exec(log);
  if (first?.[1] !== "kernel table") return null;
  return new LabError(
    "compile-error",
    `Cannot instantiate ${request.names.map((name) => `"${name}"`).join(", ")} of ${request.fileName}: ${first[2]}`,
    { advice: "Check the kernel's name and its template arguments." },
  );
}

/** Kernels that the preprocessor will make; their launch bounds stay out of reach. */
function madeByMacros(source: string, headers: readonly ReachedFile[]): KernelSite[] {
  const texts = new Map(headers.map(({ name, text }) => [name, text]));
  const text = macroKernels(source, (name) => texts.get(name) ?? null);
  return findKernels(text, shadow(text)).map((kernel) => ({ ...kernel, bounds: undefined }));
}

/**
 * The kernels asked for, of the source or its headers; every kernel of the source that is no template where none was
 * named. Errors: "no-such-kernel".
 */
function chooseEntries(
  request: CompileRequest,
  kernels: readonly KernelSite[],
  ofHeaders: readonly KernelSite[],
): { name: string; kernel: KernelSite }[] {
  const defined = kernels.filter((kernel) => kernel.body >= 0);
  const known = [...defined, ...ofHeaders.filter((kernel) => kernel.body >= 0)];
  if (request.names.length === 0) {
    const plain = defined.filter((kernel) => !kernel.template);
    if (plain.length > 0) return plain.map((kernel) => ({ name: kernel.name, kernel }));
  }
  const listed = defined.map((kernel) => kernel.name + (kernel.template ? "<...>" : "")).join(", ") || "none";
  const chosen = request.names.map((name) => {
    const base = name
      .replace(/<[\s\S]*$/, "")
      .trim()
      .replace(/^::/, "");
    const kernel = known.find((one) => one.name === base || one.name.endsWith(`::${base}`));
    if (!kernel) {
      throw new LabError(
        "no-such-kernel",
        `${request.fileName} has no kernel "${base}"; its kernels are: ${listed}.`,
        { advice: "Check the spelling; a kernel is a function declared __global__." },
      );
    }
    return { name, kernel };
  });
  if (chosen.length > 0) return chosen;
  throw new LabError(
    "no-such-kernel",
    `${request.fileName} has no kernel to compile; its kernels are: ${listed}.`,
    {
      advice: defined.length
        ? 'Name an instance of the template: { name: "tile<float, 128>" }.'
        : 'Declare one: extern "C" __global__ void name(...).',
    },
  );
}

let headerStamp: string | undefined;

/** Text of the device headers, read once a process: a change of one makes every entry of the cache stale. */
function deviceHeaders(): string {
  headerStamp ??= readAll(homePath("native", "simt", "include"));
  return headerStamp;
}

function readAll(folder: string): string {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? readAll(path) : `${entry.name}\n${readFileSync(path, "utf8")}`;
    })
    .join("\n");
}
