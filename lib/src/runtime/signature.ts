import { LabError } from "../core/error";
import { macroKernels } from "../core/macros";
import { alignUp, type ParamType } from "./ctypes";
import { Declarations } from "./declarations";
import { closing, lex, splitCommas, type TemplateParam, templateParams, tokenize } from "./tokens";

/** One parameter of a kernel. */
export interface Param {
  readonly name: string;
  /** As the source spells it: "const float* __restrict__". */
  readonly text: string;
  readonly type: ParamType;
  /** Bytes from the start of the packed argument block. */
  readonly offset: number;
}

/** A kernel's signature, read from its source. */
export interface Signature {
  readonly name: string;
  readonly params: readonly Param[];
  /** "saxpy(float a, const float* x, float* y, int n)". */
  readonly text: string;
  /** Bytes of the packed argument block. */
  readonly argBytes: number;
}

/** A `__global__` function found in a source text, not yet bound to template arguments. */
export interface KernelDeclaration {
  readonly name: string;
  /** The namespaces around it, outermost first. */
  readonly namespaces: readonly string[];
  /** Template parameters; null for an ordinary kernel. */
  readonly template: readonly TemplateParam[] | null;
  readonly params: readonly (readonly string[])[];
}

const attributes = new Set([
  "__launch_bounds__",
  "__cluster_dims__",
  "__maxnreg__",
  "__block_size__",
  "__attribute__",
  "__declspec",
  "alignas",
]);

/** What one source text declares: its kernels, and the types their parameters may use. */
export class SourceReader {
  readonly kernels: readonly KernelDeclaration[];
  readonly #types: Declarations;

  /** Reads a source text; `include` answers the text of a file named by #include "...", or null. */
  constructor(
    source: string,
    defines: Readonly<Record<string, string | number | boolean>> = {},
    include: (name: string) => string | null = () => null,
  ) {
    const macros = new Map<string, readonly string[]>();
    const tokens: string[] = [];
    const seen = new Set<string>();
    const read = (text: string): void => {
      const lexed = lex(text);
      for (const name of lexed.includes) {
        if (seen.has(name)) continue;
        seen.add(name);
        const body = include(name);
        if (body !== null) read(body);
      }
      for (const [name, body] of lexed.macros) macros.set(name, body);
      tokens.push(...lexed.tokens);
    };
    read(source);
    tokens.push(...tokenize(macroKernels(source, include)));
    for (const [name, value] of Object.entries(defines)) macros.set(name, tokenize(String(value)));
    this.#types = new Declarations(tokens, macros);
    this.kernels = findKernels(tokens, macros);
  }

  /** Names of the kernels that are not templates. */
  get plainNames(): string[] {
    return [...new Set(this.kernels.filter((kernel) => !kernel.template).map(qualified))];
  }

  /** A kernel's name with its namespaces where the source has just one of that name: "tile<4>" to "mine::tile<4>". */
  qualify(expression: string): string {
    const { name, plain } = splitExpression(expression);
    const names = new Set(this.kernels.filter((kernel) => kernel.name === name).map(qualified));
    return plain && names.size === 1 ? expression.replace(name, [...names][0]!) : expression;
  }

  /**
   * The signature of a kernel by name or name expression ("tile<float, 128>"), checked against the layout the
   * compiler reported. Throws "no-such-kernel" or "unsupported-signature".
   */
  signature(expression: string, layout: ReadonlyArray<readonly [number, number]> | null = null): Signature {
    const { name, args } = splitExpression(expression);
    const named = this.kernels.filter((kernel) => kernel.name === name);
    const exact = named.filter((kernel) => expression.replace(/\s*<[\s\S]*$/, "") === qualified(kernel));
    const candidates = exact.length > 0 ? exact : named;
    if (candidates.length === 0) throw noSuchKernel(expression, this.kernels);
    let failure: unknown;
    // Branches of #if and overloads may declare one name twice; the compiler's layout tells which one was built.
    for (const kernel of candidates) {
      try {
        const signature = this.#bind(kernel, expression, args);
        const mismatch = layout && layoutMismatch(signature, layout);
        if (!mismatch) return layout ? placed(signature, layout) : signature;
        failure ??= unsupported(expression, mismatch);
      } catch (error) {
        failure ??= error;
      }
    }
    throw failure;
  }

  #bind(
    kernel: KernelDeclaration,
    expression: string,
    args: readonly (readonly string[])[] | null,
  ): Signature {
    const bound = new Map<string, readonly string[]>();
    kernel.template?.forEach((param, i) => {
      const value = args?.[i] ?? param.fallback;
      if (value) bound.set(param.name, value);
    });
    let offset = 0;
    const params = kernel.params.map((tokens, i) => {
      const { name, type } = this.#types.parameter(tokens, bound, (text) =>
        unsupported(expression, `the type of parameter ${i + 1}, "${text}", is not known to the lab`),
      );
      offset = alignUp(offset, type.align);
      const param: Param = { name: name || `arg${i}`, text: spell(tokens), type, offset };
      offset += type.size;
      return param;
    });
    const list = params.map((param) => param.text).join(", ");
    return { name: expression, params, text: `${expression}(${list})`, argBytes: offset };
  }
}

/** The error for a kernel that a source does not have. */
export function noSuchKernel(name: string, kernels: readonly KernelDeclaration[]): LabError {
  const names = [
    ...new Set(kernels.map((kernel) => (kernel.template ? `${kernel.name}<...>` : kernel.name))),
  ];
  return new LabError("no-such-kernel", `There is no __global__ function "${name}" in the source.`, {
    advice: names.length
      ? `It has ${names.join(", ")}; choose one with { name }${names.some((one) => one.endsWith("<...>")) ? ', a template with its arguments: "tile<float, 128>"' : ""}.`
      : 'A kernel is declared as: extern "C" __global__ void name(parameters) { ... }',
  });
}

function unsupported(kernel: string, reason: string): LabError {
  return new LabError(
    "unsupported-signature",
    `The arguments of kernel "${kernel}" cannot be packed: ${reason}.`,
    {
      advice:
        "Use builtin types, pointers, or a struct defined in the same source with builtin members; other types must be built inside the kernel.",
    },
  );
}

function layoutMismatch(
  signature: Signature,
  layout: ReadonlyArray<readonly [number, number]>,
): string | null {
  if (layout.length !== signature.params.length) {
    return `the source shows ${signature.params.length} parameters and the compiler ${layout.length}`;
  }
  for (const [i, [offset, size]] of layout.entries()) {
    const param = signature.params[i]!;
    if (offset < param.offset || param.type.size !== size) {
      return `parameter ${i + 1} (${param.text}) was read as ${param.type.size} bytes at ${param.offset}, and the compiler has ${size} at ${offset}`;
    }
  }
  return null;
}

/**
 * The signature with every parameter where the compiler put it. That may be behind where C would have it: a GPU aligns a
 * 64-byte tensor map in its constant bank, whose block of arguments does not begin at a multiple of 64.
 */
function placed(signature: Signature, layout: ReadonlyArray<readonly [number, number]>): Signature {
  return {
    ...signature,
    params: signature.params.map((param, i) => ({ ...param, offset: layout[i]![0] })),
    argBytes: layout.reduce((end, [offset, size]) => Math.max(end, offset + size), 0),
  };
}

/** Splits "tile<float, 128>" into its name and its template arguments. */
function splitExpression(expression: string): { name: string; plain: boolean; args: string[][] | null } {
  const tokens = tokenize(expression).filter((token) => token !== "&");
  const open = tokens.indexOf("<");
  const head = open < 0 ? tokens : tokens.slice(0, open);
  const name = head.at(-1) ?? expression;
  const args = open < 0 ? null : splitCommas(tokens.slice(open + 1, closing(tokens, open)));
  return { name, plain: head.length === 1, args };
}

function qualified(kernel: KernelDeclaration): string {
  return [...kernel.namespaces, kernel.name].join("::");
}

function findKernels(
  tokens: readonly string[],
  macros: ReadonlyMap<string, readonly string[]>,
): KernelDeclaration[] {
  const kernels = new Map<string, KernelDeclaration>();
  let template: TemplateParam[] | null = null;
  // One entry an open brace: the names that a namespace's adds.
  const braces: string[][] = [];
  let opening: string[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token === "template" && tokens[i + 1] === "<") {
      const end = closing(tokens, i + 1);
      template = templateParams(tokens.slice(i + 2, end));
      i = end;
    } else if (token === "namespace") {
      for (opening = []; i + 1 < tokens.length && !/^[{;=]$/.test(tokens[i + 1]!); i++) {
        if (/^\w+$/.test(tokens[i + 1]!)) opening.push(tokens[i + 1]!);
      }
    } else if (token === "{") {
      braces.push(opening);
      opening = [];
    } else if (token === ";" || token === "}") {
      template = null;
      opening = [];
      if (token === "}") braces.pop();
    } else if (token === "__global__") {
      const open = parameterList(tokens, i + 1);
      if (open < 0) continue;
      const end = closing(tokens, open);
      // A macro may stand for several parameters.
      const inner = tokens.slice(open + 1, end).flatMap((word) => {
        const body = macros.get(word);
        return body?.includes(",") ? body : [word];
      });
      const params = inner.length === 1 && inner[0] === "void" ? [] : splitCommas(inner);
      const namespaces = braces.flat();
      const kernel = { name: tokens[open - 1]!, namespaces, template, params };
      // A prototype and its definition are one kernel; the definition's names win.
      kernels.set(`${qualified(kernel)}(${params.map((param) => spell(param)).join()})`, kernel);
      i = end;
    }
  }
  return [...kernels.values()];
}

/** Index of the "(" that opens the parameters, past attributes that take arguments themselves. */
function parameterList(tokens: readonly string[], from: number): number {
  for (let i = from; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token === ";" || token === "{") return -1;
    if (token !== "(") continue;
    if (!attributes.has(tokens[i - 1]!)) return i;
    i = closing(tokens, i);
  }
  return -1;
}

/** Tokens joined as a person writes them. */
function spell(tokens: readonly string[]): string {
  return tokens
    .join(" ")
    .replace(/ ?:: ?/g, "::")
    .replace(/ ([*&,>)\]])/g, "$1")
    .replace(/ ?([<([]) ?/g, "$1")
    .replace(/ \[/g, "[");
}
