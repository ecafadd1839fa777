import { LabError } from "../../core/error";
import { type Branch, withoutBranches } from "./branches";
import { findKernels, type KernelSite } from "./kernels";
import { closingBracket, lineAt, scopes, shadow } from "./scan";
import { stepInsertions } from "./steps";

interface Edit {
  readonly at: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Rewrites what C++ and the CPU device's headers cannot express; everything else passes as it stands.
 *
 * Lines keep their numbers. Rewritten: `extern __shared__` arrays, `__device__` before a variable, launch bounds,
 * and inline PTX, which becomes an error at its line unless the preprocessor leaves it out.
 * With `steps` the kernels also tell where they are: see steps.ts. What stands in `dropped` stays as it is.
 */
export function translate(source: string, steps = false, dropped: readonly Branch[] = []): string {
  const text = shadow(withoutBranches(source, dropped));
  const kernels = findKernels(source, text);
  const edits = [
    ...sharedEdits(source, text),
    ...variableEdits(text),
    ...boundsEdits(kernels),
    ...alignmentEdits(text),
    ...asmEdits(text),
    ...noinlineEdits(text),
    ...(steps ? stepInsertions(source, text).map(({ at, text: put }) => ({ at, end: at, text: put })) : []),
  ];
  return apply(source, edits);
}

/** Applies edits, keeping the number of lines. */
function apply(source: string, edits: readonly Edit[]): string {
  let out = "";
  let done = 0;
  for (const edit of [...edits].sort((a, b) => a.at - b.at || a.end - b.end)) {
    if (edit.at < done) continue; // inside an earlier edit
    const lines = source.slice(edit.at, edit.end).split("\n").length - edit.text.split("\n").length;
    out += source.slice(done, edit.at) + edit.text + "\n".repeat(Math.max(lines, 0));
    done = edit.end;
  }
  return out + source.slice(done);
}

/**
 * `extern __shared__ T name[];` names the launch's dynamic shared memory: in a function a pointer to it; at namespace
 * scope a pointer of the worker's own that is set before a launch.
 */
function sharedEdits(source: string, text: string): Edit[] {
  const sites = [...text.matchAll(/\bextern\b([^;(){}]*(?:\([^)]*\))?[^;(){}]*)\[\s*\]([^;]*);/g)].filter(
    (match) => /\b__shared__\b/.test(match[0]),
  );
  const around = scopes(
    text,
    sites.map((site) => site.index),
  );
  return sites.map((site, index) => {
    const end = site.index + site[0].length;
    const declared = source.slice(
      site.index,
      site.index + site[0].indexOf("[", site[0].search(/\w+\s*\[\s*\]/)),
    );
    const words = declared
      .replace(/\bextern\b|\b__shared__\b/g, " ")
      .replace(/\b(?:__align__|alignas|__builtin_align__)\s*\([^)]*\)/g, " ")
      .replace(/\b__attribute__\s*\(\([\s\S]*?\)\)/g, " ")
      .replace(/\[\[[^\]]*\]\]/g, " ")
      .trim();
    const split = /^([\s\S]*?)(\w+)$/.exec(words)!;
    const type = split[1]!.replace(/\s+/g, " ").trim();
    const name = split[2]!;
    const inner = site[2]!.trim(); // further extents: extern __shared__ float tile[][32];
    const pointer = inner ? `(*${name})${inner}` : `*${name}`;
    const cast = inner ? `${type} (*)${inner}` : `${type}*`;
    const body = around[index]!.inBody
      ? `${type} ${pointer} = reinterpret_cast<${cast}>(lab_simt::dynamic_shared());`
      : `static thread_local ${type} ${pointer} = nullptr; static lab_simt::SharedBinder lab_bind_${name}(` +
        `[](void* lab_dynamic) { ${name} = reinterpret_cast<${cast}>(lab_dynamic); });`;
    return { at: site.index, end, text: body };
  });
}

/** `__shared__ alignas(16) float x[4]`: C++ wants a standard attribute first, the vendor's spelling may stand here. */
function alignmentEdits(text: string): Edit[] {
  return [...text.matchAll(/(\b__shared__\s+(?:\w+\s+)*)alignas(?=\s*\()/g)].map((match) => {
    const at = match.index + match[1]!.length;
    return { at, end: at + "alignas".length, text: "__align__" };
  });
}

/** `__device__ int counter;` must stay reachable by its name; `__device__ int f();` needs nothing. */
function variableEdits(text: string): Edit[] {
  const edits: Edit[] = [];
  for (const match of text.matchAll(/\b__device__\b/g)) {
    const at = match.index;
    const end = at + match[0].length;
    if (declaresVariable(text, end)) edits.push({ at, end, text: "__lab_device_variable__" });
  }
  return edits;
}

function declaresVariable(text: string, from: number): boolean {
  for (let at = from; at < text.length; at++) {
    const char = text[at]!;
    if (char === ";" || char === "=" || char === "[") return text[at + 1] !== "[";
    if (char === "{" || char === "}") return char === "{" && /\w\s*$/.test(text.slice(from, at));
    if (char === "<") {
      const close = closingBracket(text, at);
      if (close < 0) return false;
      at = close;
    } else if (char === "(") {
      const word = /(\w+)\s*$/.exec(text.slice(from, at))?.[1] ?? "";
      if (!/^(?:__align__|alignas|__attribute__|__launch_bounds__|decltype)$/.test(word)) return false;
      const close = closingBracket(text, at);
      if (close < 0) return false;
      at = close;
    } else if (/[A-Za-z_]/.test(char)) {
      const word = /^\w+/.exec(text.slice(at, at + 80))![0];
      if (/^(?:operator|struct|class|template|using|typedef|friend|constexpr)$/.test(word)) {
        // A struct may still be a variable's type; a constexpr variable is folded and has no name to keep.
        if (word !== "struct" && word !== "class") return false;
      }
      at += word.length - 1;
    }
  }
  return false;
}

/** A kernel with launch bounds or a cluster answers the runtime's question for them in its first statement. */
function boundsEdits(kernels: readonly KernelSite[]): Edit[] {
  const inOneLine = (text = ""): string => text.replace(/\s+/g, " ");
  return kernels
    .filter((kernel) => kernel.bounded && kernel.body >= 0)
    .map((kernel) => ({
      at: kernel.body,
      end: kernel.body,
      text: ` LAB_SIMT_BOUNDS((${inOneLine(kernel.bounds)}), (${inOneLine(kernel.cluster)}))`,
    }));
}

/**
 * Inline PTX has no meaning here: a call that the compiler refuses once it makes code of it, so that a header's
 * functions which no kernel uses do no harm. What stands behind `#if` for the GPU vanishes before.
 */
function asmEdits(text: string): Edit[] {
  const edits: Edit[] = [];
  for (const match of text.matchAll(
    /\b(?:asm|__asm__|__asm)\b(?:\s+(?:volatile|__volatile__|goto))*\s*\(/g,
  )) {
    const close = closingBracket(text, match.index + match[0].length - 1);
    if (close < 0) continue;
    // An empty one is a barrier for the compiler alone.
    if (/^\s*""\s*[:)]/.test(text.slice(match.index + match[0].length))) continue;
    edits.push({
      at: match.index,
      end: close + 1,
      text: "lab_simt::inline_ptx()",
    });
  }
  return edits;
}

/** `__noinline__` cannot be a macro: the standard library's headers use the word inside __attribute__. */
function noinlineEdits(text: string): Edit[] {
  return [...text.matchAll(/(?<!\(\s*)\b__noinline__\b/g)].map((match) => ({
    at: match.index,
    end: match.index + match[0].length,
    text: "__attribute__((noinline))",
  }));
}

/** Throws "unsupported" for a launch in the text of a source, outside the branches that are dropped. */
export function refuseLaunches(source: string, fileName: string, dropped: readonly Branch[]): void {
  const text = shadow(withoutBranches(source, dropped));
  const at = text.indexOf("<<<");
  if (at < 0) return;
  const line = lineAt(text, at);
  throw new LabError(
    "unsupported",
    `${fileName}:${line}: a launch with <<<...>>> inside the kernel source, which neither device runs.`,
    { advice: "Cut the host code away and launch from the notebook.", line: { file: fileName, line } },
  );
}

/** The module's table of entries, to stand behind the translated source. */
export function entryTable(
  entries: ReadonlyArray<{ readonly name: string; readonly kernel: KernelSite }>,
): string {
  const rows = entries.map(
    ({ name, kernel }) => `LAB_SIMT_ENTRY(${kernel.bounded ? 1 : 0}, ${JSON.stringify(name)}, (${name}))`,
  );
  return `LAB_SIMT_MODULE(${rows.join(", ")})`;
}
