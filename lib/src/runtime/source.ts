import type { CompileRequest } from "../backend/compiled";
import { LabError } from "../core/error";
import { homePath } from "../core/paths";
import { reachedFiles } from "../core/reached";
import type { CompileOptions } from "./device";
import { SourceReader } from "./signature";
import { textureRefusal } from "./textures";

/** Reads a source text's kernels and makes the compilers' request of it. */
export function readSource(
  source: string,
  options: CompileOptions,
): { reader: SourceReader; request: CompileRequest } {
  if (typeof source !== "string") {
    throw new LabError("wrong-argument-type", "compile expects the kernel's source as a string.", {
      advice: "Use device.compileFile(path) for a file.",
    });
  }
  const folders = [...(options.includes ?? []), homePath("kernels", "include")];
  const headers = new Map(reachedFiles(source, folders).map(({ name, text }) => [name, text]));
  const reader = new SourceReader(source, options.defines ?? {}, (name) => headers.get(name) ?? null);
  const asked = options.names ?? (options.name === undefined ? undefined : [options.name]);
  const names = asked?.map((name) => reader.qualify(name)) ?? reader.plainNames;
  const template = reader.kernels[0];
  if (names.length === 0 && template) {
    throw new LabError("no-such-kernel", `${template.name} is a template, and no arguments were given.`, {
      advice: `Name an instance: { name: "${template.name}<float>" }.`,
    });
  }
  const request: CompileRequest = {
    source,
    fileName: options.fileName ?? "kernel.cu",
    names,
    namesFound: asked === undefined,
    defines: options.defines ?? {},
    includes: options.includes ?? [],
    options: options.options ?? [],
  };
  return { reader, request };
}

/** The first kernel asked for whose arguments the lab cannot pack, with the error that says why; null where all can be. */
export function unpackableKernel(
  reader: SourceReader,
  request: CompileRequest,
): { name: string; error: unknown } | null {
  for (const name of request.names) {
    try {
      reader.signature(name);
    } catch (error) {
      const signature = LabError.is(error, "unsupported-signature");
      return { name, error: (signature && textureRefusal(request.source, request.fileName)) || error };
    }
  }
  return null;
}
