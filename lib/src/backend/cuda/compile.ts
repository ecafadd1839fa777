import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { LabError } from "../../core/error";
import { homePath } from "../../core/paths";
import { cached } from "../cache";
import type { CompiledModule, CompileRequest } from "../compiled";
import { callCompiler, type NvrtcAnswer } from "./compiler";
import { includedText } from "./includes";
import { cudaIncludes, cudaLibraryFolders } from "./search";

interface Built {
  readonly entries: { name: string; symbol: string }[];
  readonly log: string;
  readonly compiler: string;
}

let version: Promise<string> | undefined;

/** NVRTC's version, "13.0"; throws "no-compiler" where there is none. Asked once. */
export function nvrtcVersion(): Promise<string> {
  version ??= callCompiler<string | null>("nvrtcVersion", [cudaLibraryFolders()]).then((found) => {
    if (found) return found;
    version = undefined;
    throw new LabError("no-compiler", "NVRTC, CUDA's run-time compiler, was not found.", {
      advice:
        "Install it with: pip install nvidia-cuda-nvrtc, or point KERNEL_LAB_CUDA_PATH or CUDA_HOME to a CUDA toolkit.",
    });
  });
  return version;
}

/** Compiles CUDA C++ to a CUBIN with NVRTC, through the cache. Works with no GPU. Errors: "compile-error", "no-compiler". */
export async function compileForCuda(request: CompileRequest, arch: string): Promise<CompiledModule> {
  const start = performance.now();
  const compiler = `NVRTC ${await nvrtcVersion()}`;
  const folders = [...request.includes, homePath("kernels", "include")];
  const options = optionsOf(request, arch, folders);
  const headers = includedText(request.source, folders);
  const key = [
    compiler,
    request.source,
    request.fileName,
    ...request.names,
    "--",
    ...options,
    "--",
    ...headers,
  ];
  const { dir, hit } = await cached("cuda", key, (folder) => build(request, options, folder, compiler));
  const built = JSON.parse(readFileSync(join(dir, "build.json"), "utf8")) as Built;
  return {
    dir,
    binary: join(dir, "module.cubin"),
    entries: built.entries,
    log: built.log,
    ptx: readFileSync(join(dir, "module.ptx"), "utf8"),
    seconds: (performance.now() - start) / 1000,
    cached: hit,
    compiler,
  };
}

function optionsOf(request: CompileRequest, arch: string, folders: readonly string[]): string[] {
  return [
    `--gpu-architecture=${arch}`,
    "-std=c++17",
    "-default-device",
    "-lineinfo",
    "--ptxas-options=-v",
    ...[...folders, ...cudaIncludes()].map((folder) => `--include-path=${folder}`),
    ...Object.entries(request.defines).map(
      ([name, value]) => `--define-macro=${name}=${value === true ? 1 : value === false ? 0 : value}`,
    ),
    ...request.options,
  ];
}

async function build(
  request: CompileRequest,
  options: string[],
  dir: string,
  compiler: string,
): Promise<void> {
  const answer = await callCompiler<NvrtcAnswer>("nvrtcCompile", [
    {
      source: request.source,
      fileName: request.fileName,
      options,
      nameExpressions: request.names,
      searchPaths: cudaLibraryFolders(),
    },
  ]);
  if (!answer.ok || !answer.cubin || !answer.ptx) throw compileError(request, answer.log);
  writeFileSync(join(dir, "source.cu"), request.source);
  writeFileSync(join(dir, "module.cubin"), answer.cubin);
  // NVRTC ends the text with a zero byte.
  writeFileSync(join(dir, "module.ptx"), Buffer.from(answer.ptx).toString("utf8").replace(/\0+$/, ""));
  const entries = request.names.map((name) => ({ name, symbol: answer.loweredNames[name] ?? name }));
  writeFileSync(
    join(dir, "build.json"),
    JSON.stringify({ entries, log: answer.log, compiler } satisfies Built),
  );
}

/** A `LabError` of NVRTC's log: the first error with its line of source and a caret, then the rest of the log. */
export function compileError(request: CompileRequest, log: string): LabError {
  const first = log.match(/^(.*?)\((\d+)\): (?:catastrophic )?error:? ?(?:#\S+: )?(.*)$/m);
  const unknown = log.match(/name expression.*|nvrtc: error: (.*)/i);
  if (!first) {
    return new LabError(
      "compile-error",
      `Cannot compile ${request.fileName}: ${unknown?.[0] ?? (log.trim() || "NVRTC gave no reason")}`,
      {
        advice: "Check the kernel's name and its template arguments.",
      },
    );
  }
  const [, file, lineText, message] = first;
  const line = Number(lineText);
  const own = basename(file!) === basename(request.fileName);
  const text = own ? request.source.split("\n")[line - 1] : undefined;
  const shown =
    text === undefined
      ? ""
      : `\n${String(line).padStart(5)} | ${text}\n      | ${caret(text, log, first.index!)}`;
  const count = [...log.matchAll(/\): (?:catastrophic )?error/g)].length;
  const more = count > 1 ? `\n(and ${count - 1} more)` : "";
  return new LabError("compile-error", `${file}:${line}: ${message}${shown}${more}`, {
    advice: "Mend the source and compile again; nothing was cached.",
    line: { file: file!, line },
    cause: log,
  });
}

/** NVRTC's own caret line where its log has one, else a caret under the line's first character. */
function caret(text: string, log: string, at: number): string {
  const own = log
    .slice(at)
    .split("\n")
    .slice(1, 4)
    .find((row) => /^\s*\^\s*$/.test(row));
  const shown = log.slice(at).split("\n")[1] ?? "";
  const shift = own ? shown.indexOf(text.trim()) - text.indexOf(text.trim()) : 0;
  return own && shift >= 0 ? own.slice(shift) : `${" ".repeat(Math.max(text.search(/\S/), 0))}^`;
}
