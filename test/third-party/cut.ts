import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { closingBracket, shadow } from "kernel-lab/dist/backend/simt/scan";
import { homePath } from "kernel-lab/dist/core/paths";
import { reachedFiles } from "kernel-lab/dist/core/reached";

/**
 * Cuts the host's code out of a CUDA source; what is left is the author's text, character by character, at its lines.
 *
 * At namespace scope it keeps directives, types, templates of types, constants, and whatever says `__device__`,
 * `__global__`, `__constant__`, `__shared__` or `__managed__` (or a macro of `deviceMacros`); functions, prototypes and
 * variables of the host go. An include stays when `found` knows the header.
 */
export function cutHost(
  source: string,
  found: (name: string) => boolean,
  deviceMacros: ReadonlySet<string> = new Set(),
  hostTypes: ReadonlySet<string> = new Set(),
): string {
  const text = shadow(source);
  const keep = new Array<boolean>(source.length).fill(true);
  for (const { from, to, words } of declarations(text)) {
    const declaration = text.slice(from, to);
    const [name] = typeName(declaration);
    if (isHost(declaration, words, deviceMacros) || (name && hostTypes.has(name))) keep.fill(false, from, to);
    else if (name)
      for (const member of hostMembers(declaration)) keep.fill(false, from + member.from, from + member.to);
  }
  let out = "";
  for (let at = 0; at < source.length; at++) out += keep[at] || source[at] === "\n" ? source[at] : " ";
  return restoreDirectives(source, out).replace(
    /^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"].*$/gm,
    (line, name: string) => (found(name) ? line : ""),
  );
}

/** Directives inside a function that went stay: those around it count on them. */
function restoreDirectives(source: string, cut: string): string {
  const original = source.split("\n");
  let continued = false;
  return cut
    .split("\n")
    .map((line, i) => {
      const directive = continued || /^\s*#/.test(original[i]!);
      continued = directive && /\\\s*$/.test(original[i]!);
      return directive ? original[i]! : line;
    })
    .join("\n");
}

const deviceWords = ["__device__", "__global__", "__constant__", "__shared__", "__managed__"];

/** Macros of a text that stand for a device qualifier: `#define INLINE __device__ inline`. */
export function qualifierMacros(source: string): string[] {
  const defines = source
    .replace(/\\\r?\n/g, " ")
    .matchAll(/^[ \t]*#[ \t]*define[ \t]+(\w+)(?:\([^)]*\))?[ \t]+(.*)$/gm);
  return [...defines]
    .filter(([, , body]) => deviceWords.some((word) => body!.includes(word)))
    .map(([, name]) => name!);
}

interface Declaration {
  readonly from: number;
  readonly to: number;
  /** Every name in it. */
  readonly words: readonly string[];
}

/** The declarations at namespace scope of a shadow, in order. */
function declarations(text: string): Declaration[] {
  const all: Declaration[] = [];
  const walk = (from: number, end: number): void => {
    let at = from;
    while (at < end) {
      const start = at + (/^[\s;}]*/.exec(text.slice(at, end))?.[0].length ?? 0);
      if (start >= end) return;
      const close = declarationEnd(text, start, end);
      const declaration = text.slice(start, close);
      const scope = /^(?:inline\s+)?(?:namespace\b[^{;=]*|extern\s*"\s*"\s*)\{/.exec(declaration);
      if (scope) walk(start + scope[0].length, close - 1);
      else all.push({ from: start, to: close, words: declaration.match(/[A-Za-z_]\w*/g) ?? [] });
      at = close;
    }
  };
  walk(0, text.length);
  return all;
}

/** Members of a structure that are the host's by their own word. */
function hostMembers(declaration: string): Declaration[] {
  const open = declaration.indexOf("{") + 1;
  return declarations(declaration.slice(open, declaration.lastIndexOf("}")))
    .filter(({ words }) => words.includes("__host__") && !words.includes("__device__"))
    .map((member) => ({ ...member, from: member.from + open, to: member.to + open }));
}

/** Structures and classes of these texts that say no device qualifier and that nothing of the device names. */
export function hostTypes(texts: readonly string[], macros: ReadonlySet<string>): Set<string> {
  const types = new Map<string, string[]>();
  const reached: string[] = [];
  for (const text of texts.map(shadow)) {
    for (const { from, to, words } of declarations(text)) {
      const declaration = text.slice(from, to);
      const [name] = typeName(declaration);
      if (name && !saysDevice(words, macros))
        types.set(name, [...(types.get(name) ?? []), ...words.filter((word) => word !== name)]);
      else if (!isHost(declaration, words, macros)) reached.push(...words);
    }
  }
  // A macro may name a type.
  for (const text of texts)
    reached.push(
      ...(text
        .match(/^[ \t]*#[ \t]*define\b.*$/gm)
        ?.join(" ")
        .match(/[A-Za-z_]\w*/g) ?? []),
    );
  for (let word = reached.pop(); word !== undefined; word = reached.pop()) {
    reached.push(...(types.get(word) ?? []));
    types.delete(word);
  }
  return new Set(types.keys());
}

/** Where a declaration ends: behind its semicolon, or behind the body of a function, namespace or linkage block. */
function declarationEnd(text: string, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const char = text[at]!;
    if (char === ";") return at + 1;
    if (char === "(" || char === "[") {
      const close = closingBracket(text, at);
      if (close < 0) return end;
      at = close;
    } else if (char === "{") {
      const close = closingBracket(text, at);
      if (close < 0) return end;
      if (opensBody(text.slice(start, at))) return close + 1;
      at = close;
    }
  }
  return end;
}

const withoutTemplate = (head: string): string => {
  const open = /^template\s*</.exec(head);
  if (!open) return head;
  const close = closingBracket(head, open[0].length - 1);
  return close < 0 ? head : withoutTemplate(head.slice(close + 1).trim());
};

/** Whether a brace behind this head opens a body after which no semicolon is due. */
function opensBody(head: string): boolean {
  const rest = withoutTemplate(head.trim());
  if (/^(?:inline\s+)?namespace\b|^extern\s*"\s*"\s*$/.test(rest)) return true;
  if (isType(rest)) return false;
  return rest.includes("(") && !/[^=!<>]=[^=]/.test(withoutBrackets(rest));
}

function withoutBrackets(head: string): string {
  const less = head.replace(/\([^()]*\)/g, "");
  return less === head ? head : withoutBrackets(less);
}

const isType = (head: string): boolean =>
  /^(?:typedef\b|using\b|enum\b|union\b|(?:struct|class)\s+(?:\w+\s*\((?:[^()]|\([^()]*\))*\)\s*)*[^()]*$)/.test(
    head,
  );

/** Name of the structure or class that a declaration defines, if it does. */
function typeName(declaration: string): [string?] {
  const match =
    /^(?:typedef\s+)?(?:struct|class)\s+(?:\w+\s*\((?:[^()]|\([^()]*\))*\)\s*)*(\w+)\s*(?:<[^{]*>\s*)?(?:final\s*)?(?::[^{;]*)?\{/.exec(
      withoutTemplate(declaration.trim()),
    );
  return declaration.startsWith("typedef") ? [] : [match?.[1]];
}

const saysDevice = (words: readonly string[], macros: ReadonlySet<string>): boolean =>
  words.some((word) => deviceWords.includes(word) || macros.has(word));

function isHost(declaration: string, words: readonly string[], macros: ReadonlySet<string>): boolean {
  if (saysDevice(words, macros)) return false;
  const brace = declaration.indexOf("{");
  const rest = withoutTemplate((brace < 0 ? declaration : declaration.slice(0, brace)).trim());
  if (isType(rest) || /^(?:static_assert|using|typedef|namespace|friend)\b/.test(rest)) return false;
  if (/^(?:struct|class)\b/.test(rest) && !rest.includes("(")) return false;
  // Constants serve the device too; a function is the host's unless it says otherwise.
  const call = rest.replace(/=[\s\S]*$/, "").includes("(");
  return call || !/\b(?:const|constexpr)\b|^texture\b|^surface\b/.test(rest);
}

const standardHeader =
  /^(?:c?(?:assert|ctype|float|limits|math|stddef|stdint|stdio|stdlib|string|time)(?:\.h)?|[a-z_]+)$/;

/** A source with its host code cut away, and the folders its headers, cut likewise, lie in. */
export interface CutSource {
  readonly text: string;
  readonly includes: readonly string[];
}

/**
 * Cuts a file and every header that it reaches beside itself or in `folders`; the headers go into `target`, at their
 * places. Headers of the lab's own and the standard's are left to the compiler, others that cannot be found go.
 */
export function cutFile(path: string, folders: readonly string[], target: string): CutSource {
  const source = readFileSync(path, "utf8");
  const own = [dirname(path), ...folders];
  const headers = reachedFiles(source, own);
  const macros = new Set([source, ...headers.map(({ text }) => text)].flatMap(qualifierMacros));
  const types = hostTypes([source, ...headers.map(({ text }) => text)], macros);
  const cut = (text: string, beside: string): string =>
    cutHost(
      text,
      (name) =>
        standardHeader.test(name) || [beside, ...own, labHeaders].some((at) => existsSync(join(at, name))),
      macros,
      types,
    );
  const place = (file: string): string => join(target, resolve(file));
  for (const header of headers) {
    mkdirSync(dirname(place(header.path)), { recursive: true });
    writeFileSync(place(header.path), cut(header.text, dirname(header.path)));
  }
  for (const folder of own) mkdirSync(place(folder), { recursive: true });
  // nvcc has this header before the first line of every source.
  const text = `#include <cuda_runtime.h>\n#line 1\n${cut(source, dirname(path))}`;
  return { text, includes: own.map(place) };
}

const labHeaders = homePath("native", "simt", "include");
