import { LabError } from "../../core/error";
import { macroKernels } from "../../core/macros";
import type { CompileRequest } from "../compiled";
import { type Branch, withoutBranches } from "./branches";
import { findKernels, type KernelSite } from "./kernels";
import { shadow } from "./scan";

/** A source or header of a module, and what the preprocessor drops of it. */
export interface ModuleText {
  readonly name: string;
  readonly text: string;
  readonly dropped: readonly Branch[];
}

/** A kernel by the name it is asked for with. */
export interface NamedKernel {
  readonly name: string;
  readonly kernel: KernelSite;
}

/**
 * The kernels asked for, of the source or its headers; every kernel of the source that is no template where none was
 * named. Names merely found in the text are passed over where the preprocessor leaves their kernels out.
 *
 * Errors: "no-such-kernel", which says so where a branch of `#if` holds the kernel.
 */
export function chooseEntries(
  request: CompileRequest,
  source: ModuleText,
  headers: readonly ModuleText[],
): NamedKernel[] {
  const defined = [...kernelsOf(source), ...madeByMacros(source, headers)].filter(isDefined);
  const known = [...defined, ...headers.flatMap(kernelsOf).filter(isDefined)];
  const listed = defined.map((kernel) => kernel.name + (kernel.template ? "<...>" : "")).join(", ") || "none";
  const chosen = request.names.flatMap((name): NamedKernel[] => {
    const kernel = known.find((one) => isNamed(one, name));
    if (kernel) return [{ name, kernel }];
    if (request.namesFound) return [];
    throw (
      leftOut(name, [source, ...headers]) ??
      new LabError(
        "no-such-kernel",
        `${request.fileName} has no kernel "${baseName(name)}"; its kernels are: ${listed}.`,
        { advice: "Check the spelling; a kernel is a function declared __global__." },
      )
    );
  });
  if (chosen.length > 0) return chosen;
  if (request.names.length === 0 || request.namesFound) {
    const plain = new Map(defined.filter(({ template }) => !template).map((kernel) => [kernel.name, kernel]));
    if (plain.size > 0) return [...plain].map(([name, kernel]) => ({ name, kernel }));
  }
  for (const name of request.names) {
    const error = leftOut(name, [source, ...headers]);
    if (error) throw error;
  }
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

/**
 * What the compiler says of the table of entries, in the user's terms: a name that several kernels have, or a name
 * expression that does not fit its template. Null where its first error is elsewhere.
 */
export function entryError(
  request: CompileRequest,
  entries: readonly NamedKernel[],
  source: ModuleText,
  log: string,
): LabError | null {
  const error = /^(.+?):\d+:\d+: (?:fatal )?error: (.*)$/gm;
  const first = [...log.matchAll(error)].find(([, file]) => !file!.endsWith("simt_module.h"));
  const atTable = first ? first[1] === "kernel table" : /^kernel table:\d+/m.test(log);
  if (!atTable) return null;
  const clash = overloads(request, entries, source);
  if (clash) return clash;
  const said = first?.[2] ?? error.exec(log)?.[2] ?? "the compiler gave no reason";
  return new LabError(
    "compile-error",
    `Cannot instantiate ${entries.map(({ name }) => `"${name}"`).join(", ")} of ${request.fileName}: ${said}`,
    { advice: "Check the kernel's name and its template arguments." },
  );
}

/** Kernels of one name with several definitions, of which a name cannot choose. */
function overloads(
  request: CompileRequest,
  entries: readonly NamedKernel[],
  source: ModuleText,
): LabError | null {
  const defined = kernelsOf(source).filter(isDefined);
  for (const { name } of entries) {
    const [first, second] = defined.filter((one) => isNamed(one, name));
    if (!first || !second) continue;
    return new LabError(
      "unsupported",
      `${request.fileName}:${second.line}: kernel "${first.name}" is overloaded (its other definition is at line ${first.line}), and a kernel is launched by its name alone.`,
      {
        advice: "Give each its own name, or make them instances of one template.",
        line: { file: request.fileName, line: second.line },
      },
    );
  }
  return null;
}

/** The error for a kernel that only a dropped branch of `#if` defines; null where none does. */
function leftOut(name: string, files: readonly ModuleText[]): LabError | null {
  for (const file of files) {
    const whole = kernelsOf({ ...file, dropped: [] });
    const kernel = whole.find((one) => isDefined(one) && isNamed(one, name));
    if (!kernel) continue;
    const within = file.dropped.filter(({ start, end }) => start <= kernel.body && kernel.body < end);
    const branch = within.reduce<Branch | undefined>(
      (inner, one) => (inner && inner.start > one.start ? inner : one),
      undefined,
    );
    if (!branch) continue;
    return new LabError(
      "no-such-kernel",
      `${file.name}:${kernel.line}: kernel "${kernel.name}" is left out by the preprocessor, behind "${branch.directive}" at line ${branch.line}.`,
      {
        advice: "Change the condition, or set the macro it asks for with { defines }.",
        line: { file: file.name, line: kernel.line },
      },
    );
  }
  return null;
}

/** Kernels that the preprocessor will make; their launch bounds stay out of reach. */
function madeByMacros(source: ModuleText, headers: readonly ModuleText[]): KernelSite[] {
  const texts = new Map(headers.map((header) => [header.name, keptText(header)]));
  const text = macroKernels(keptText(source), (name) => texts.get(name) ?? null);
  return findKernels(text, shadow(text)).map((kernel) => ({
    ...kernel,
    bounds: undefined,
    bounded: false,
  }));
}

function kernelsOf(file: ModuleText): KernelSite[] {
  return findKernels(file.text, shadow(keptText(file)));
}

const keptText = ({ text, dropped }: ModuleText): string => withoutBranches(text, dropped);

const isDefined = (kernel: KernelSite): boolean => kernel.body >= 0;

const baseName = (name: string): string =>
  name
    .replace(/<[\s\S]*$/, "")
    .trim()
    .replace(/^::/, "");

function isNamed(kernel: KernelSite, name: string): boolean {
  const base = baseName(name);
  return kernel.name === base || kernel.name.endsWith(`::${base}`);
}
