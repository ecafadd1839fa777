import type { Instruction } from "./binutils";

/** Kinds of counted arithmetic: instructions of one thread, as ncu's `smsp__sass_thread_inst_executed_op_<kind>_pred_on`. */
export const arithmetic = [
  "fadd",
  "fmul",
  "ffma",
  "dadd",
  "dmul",
  "dfma",
  "hadd",
  "hmul",
  "hfma",
  /** Special functions: MUFU of SASS (reciprocal, root, exponential, logarithm, sine). Counted, and no FLOPs. */
  "special",
] as const;

/** One kind of counted arithmetic. */
export type Arithmetic = (typeof arithmetic)[number];

/** How many instructions of each kind. */
export type Operations = Partial<Record<Arithmetic, number>>;

/** Tensor-core work of one warp: operations (a multiply-add is two) by the type multiplied. */
export interface TensorWork {
  readonly source: "fp16" | "bf16" | "tf32" | "fp64" | "int8";
  readonly operations: number;
}

/**
 * What a GPU executes for an operation that the CPU device has as one call or instruction.
 *
 * Counted in the SASS that NVRTC 13.0 makes for sm_90 of a kernel that does it once: the path without denormals, and
 * without instructions behind a predicate that is usually false. `hadd` and its kin count an instruction for a pair.
 */
const costs: Readonly<Record<string, Operations>> = {
  "f32 /": { ffma: 5, special: 1 },
  "f32 1 /": { ffma: 2, fadd: 1, special: 1 },
  "f64 /": { dfma: 7, dmul: 1, ffma: 1, special: 1 },
  "f32 sqrt": { fmul: 2, ffma: 2, special: 1 },
  "f64 sqrt": { dmul: 3, dfma: 5, special: 1 },
  expf: { ffma: 4, fadd: 1, fmul: 1, special: 1 },
  exp10f: { ffma: 4, fadd: 1, fmul: 1, special: 1 },
  exp2f: { special: 1 },
  logf: { ffma: 11, fadd: 1, fmul: 1 },
  log2f: { ffma: 11, fadd: 2, fmul: 2 },
  log10f: { ffma: 11, fadd: 1, fmul: 2 },
  log1pf: { ffma: 11, fadd: 2, fmul: 2 },
  expm1f: { fmul: 3, ffma: 8, fadd: 1, special: 1 },
  sinf: { fmul: 3, ffma: 7 },
  cosf: { fmul: 3, ffma: 7 },
  tanf: { fmul: 4, ffma: 8 },
  tanhf: { fmul: 2, ffma: 5, fadd: 1, special: 2 },
  erff: { fmul: 1, ffma: 7 },
  powf: { fmul: 10, fadd: 15, ffma: 19, special: 1 },
  cbrtf: { fmul: 5, fadd: 1, ffma: 2, special: 2 },
  hypotf: { fadd: 2, fmul: 5, ffma: 3, special: 1 },
  fmodf: { fadd: 6, fmul: 6, ffma: 9, special: 2 },
  rsqrtf: { special: 1 },
  __expf: { fmul: 1, special: 1 },
  __exp10f: { fmul: 1, special: 1 },
  __logf: { fmul: 1, special: 1 },
  __log2f: { special: 1 },
  __log10f: { fmul: 1, special: 1 },
  __powf: { fmul: 1, special: 2 },
  __sinf: { fmul: 1, special: 1 },
  __cosf: { fmul: 1, special: 1 },
  __tanf: { fmul: 2, special: 3 },
  __tanhf: { special: 1 },
  __fdividef: { fmul: 1, special: 1 },
  exp: { dfma: 14, dadd: 2, dmul: 1 },
  log: { dfma: 17, dadd: 8, dmul: 4, special: 1 },
  sin: { dmul: 3, dfma: 10 },
  cos: { dmul: 3, dfma: 10 },
  pow: { dadd: 33, dmul: 8, dfma: 40, special: 1 },
  tanh: { dadd: 3, dfma: 28, dmul: 2, fmul: 1, special: 2 },
  rsqrt: { dmul: 2, dfma: 3, special: 1 },
  __hadd: { hadd: 1 },
  __hsub: { hadd: 1 },
  __hmul: { hmul: 1 },
  __hfma: { hfma: 1 },
  __hdiv: { hadd: 2, fmul: 1, special: 1 },
  __hadd2: { hadd: 1 },
  __hsub2: { hadd: 1 },
  __hmul2: { hmul: 1 },
  __hfma2: { hfma: 1 },
  __h2div: { hadd: 4, fmul: 2, special: 2 },
  hexp: { hadd: 1, ffma: 1, hfma: 4, special: 1 },
  hrcp: { hadd: 1, special: 1 },
  hrsqrt: { hadd: 1, special: 1 },
  hsqrt: { hadd: 1, special: 1 },
};

/**
 * A division of one, as its source line shows, costs what a reciprocal does; all else what it was counted as.
 *
 * The machine's instruction does not tell the two apart. A line with another division beside keeps the full cost.
 */
export function asWritten(operations: Operations, line: string): Operations {
  if (operations !== costs["f32 /"]) return operations;
  const code = line.replace(/\/\/.*$|\/\*.*?\*\//g, "");
  const reciprocals = code.match(/(?<![\w.])1(?:\.0*)?f?\s*\//g)?.length ?? 0;
  return reciprocals > 0 && reciprocals === code.split("/").length - 1 ? costs["f32 1 /"]! : operations;
}

/** A function's own name: no parameters, no template arguments, no namespaces. */
function baseName(callee: string): string {
  const head = callee.replace(/^(?:void|[\w:]+) (?=[\w:]+<)/, "");
  return head.replace(/[<(][\s\S]*$/, "").replace(/^.*::/, "");
}

/** True of a function whose inside is not counted, because a call of it is. */
export function isOperation(name: string): boolean {
  const base = baseName(name);
  return base in costs || tensorWork(name) !== null;
}

/** What one execution by one thread counts for; null of an instruction that is no arithmetic. */
export function operationsOf(instruction: Instruction): Operations | null {
  if (instruction.callee) return costs[baseName(instruction.callee)] ?? null;
  const { mnemonic, operands } = instruction;
  const scalar = /^v?(add|sub|mul|div|sqrt)s([sd])$/.exec(mnemonic);
  if (scalar) return plain(scalar[1]!, scalar[2] === "d");
  const packed = /^v?(add|sub|mul|div|sqrt)p([sd])$/.exec(mnemonic);
  if (packed) return times(plain(packed[1]!, packed[2] === "d"), lanesOf(operands, packed[2] === "d"));
  const fused = /^vfn?m(?:add|sub|addsub|subadd)(?:132|213|231)([sp])([sd])$/.exec(mnemonic);
  if (fused) {
    const one: Operations = fused[2] === "d" ? { dfma: 1 } : { ffma: 1 };
    return fused[1] === "p" ? times(one, lanesOf(operands, fused[2] === "d")) : one;
  }
  return arm(mnemonic, operands);
}

function plain(what: string, double: boolean): Operations {
  if (what === "div" || what === "sqrt")
    return costs[`${double ? "f64" : "f32"} ${what === "div" ? "/" : "sqrt"}`]!;
  const kind = what === "mul" ? "mul" : "add";
  return double ? { [`d${kind}`]: 1 } : { [`f${kind}`]: 1 };
}

function arm(mnemonic: string, operands: string): Operations | null {
  const match = /^f(add|sub|mul|div|sqrt|n?madd|n?msub|nmul)$/.exec(mnemonic);
  const register = /^([sd])\d/.exec(operands)?.[1];
  if (!match || !register) return null;
  const double = register === "d";
  if (/m(?:add|sub)$/.test(match[1]!)) return double ? { dfma: 1 } : { ffma: 1 };
  return plain(match[1]!.replace("nmul", "mul"), double);
}

function lanesOf(operands: string, double: boolean): number {
  const bytes = operands.includes("%zmm") ? 64 : operands.includes("%ymm") ? 32 : 16;
  return bytes / (double ? 8 : 4);
}

function times(operations: Operations, factor: number): Operations {
  return Object.fromEntries(Object.entries(operations).map(([kind, n]) => [kind, n * factor]));
}

/** What one call of a tensor-core operation by a whole warp does, or null. */
export function tensorWork(callee: string): TensorWork | null {
  const base = baseName(callee);
  if (base === "mma1688Tf32") return { source: "tf32", operations: 2 * 16 * 8 * 8 };
  if (base === "mma16816")
    return { source: /bfloat16/.test(callee) ? "bf16" : "fp16", operations: 2 * 16 * 8 * 16 };
  const wmma = /\bmma_sync<(\d+), (\d+), (\d+), ([^>]*)>/.exec(callee);
  if (!wmma) return null;
  const types = wmma[4]!;
  const source = /bfloat16/.test(types)
    ? "bf16"
    : /tf32/.test(types)
      ? "tf32"
      : /double/.test(types)
        ? "fp64"
        : /char/.test(types)
          ? "int8"
          : "fp16";
  return { source, operations: 2 * Number(wmma[1]) * Number(wmma[2]) * Number(wmma[3]) };
}

/** FLOPs of counted instructions, as ncu's roofline counts them: a fused one is two, a 16-bit one does a pair. */
export function flopsOf(operations: Operations): { fp32: number; fp64: number; fp16: number } {
  const of = (kind: Arithmetic): number => operations[kind] ?? 0;
  return {
    fp32: of("fadd") + of("fmul") + 2 * of("ffma"),
    fp64: of("dadd") + of("dmul") + 2 * of("dfma"),
    fp16: 2 * of("hadd") + 2 * of("hmul") + 4 * of("hfma"),
  };
}
