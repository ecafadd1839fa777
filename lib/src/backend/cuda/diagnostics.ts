import { basename } from "node:path";
import { LabError } from "../../core/error";
import type { CompileRequest } from "../compiled";

interface Diagnostic {
  readonly file: string;
  readonly line: number;
  readonly message: string;
  /** Where its text starts in the log. */
  readonly at: number;
}

/** The file NVRTC pretends name expressions are in. */
const nameFile = "__nv_name_map";

/** A `LabError` of NVRTC's log: the first error with its line of source and a caret, then the other errors. */
export function compileError(request: CompileRequest, log: string): LabError {
  const [first, ...others] = diagnostics(log);
  if (!first || first.file === nameFile) {
    const names = request.names.map((name) => `"${name}"`).join(", ");
    const reason = first?.message ?? (log.trim() || "NVRTC gave no reason");
    return new LabError("compile-error", `Cannot instantiate ${names} of ${request.fileName}: ${reason}`, {
      advice: "Check the kernel's name and its template arguments.",
    });
  }
  const own = basename(first.file) === basename(request.fileName);
  const text = own ? request.source.split("\n")[first.line - 1] : undefined;
  const shown =
    text === undefined
      ? ""
      : `\n${String(first.line).padStart(5)} | ${text}\n      | ${caret(text, log, first.at)}`;
  const rest = others.slice(0, 4).map((other) => `\n${other.file}:${other.line}: ${other.message}`);
  if (others.length > rest.length) rest.push(`\n(and ${others.length - rest.length} more)`);
  return new LabError(
    "compile-error",
    `${first.file}:${first.line}: ${first.message}${shown}${rest.join("")}`,
    {
      advice: "Mend the source and compile again; nothing was cached.",
      line: { file: first.file, line: first.line },
    },
  );
}

/** Names that stand for nothing in the source; empty where the log has an error of another kind. */
export function unknownNames(log: string): ReadonlySet<string> {
  if (diagnostics(log).some(({ file }) => file !== nameFile)) return new Set();
  const names = [...log.matchAll(/Input name expression was: "(.*)"$/gm)];
  return new Set(names.map((match) => match[1]!.replace(/\s+/g, "")));
}

/**
 * A `LabError` where ptxas says that it serialised a kernel's wgmma products or ignored its setmaxnreg: such a kernel
 * runs at a fraction of the speed it was written for. Null where the log has no such line.
 */
export function lostPerformanceError(request: CompileRequest, log: string): LabError | null {
  const lines = [...log.matchAll(/\((C75\d\d)\) Potential Performance Loss: (.*)$/gm)];
  if (lines.length === 0) return null;
  const shown = [...new Set(lines.map((match) => `${match[1]}: ${match[2]}`))].slice(0, 4).join("\n");
  return new LabError(
    "compile-error",
    `${request.fileName}: ptxas gave up what the kernel asks for.\n${shown}`,
    {
      advice:
        "Between wgmma and its wait touch neither accumulators nor A registers, keep them in local arrays with constant " +
        "indices and out of calls that are not inlined, and see that they fit the registers; setmaxnreg needs " +
        "__launch_bounds__(threads, 1).",
    },
  );
}

function diagnostics(log: string): Diagnostic[] {
  const pattern = /^(.*?)\((\d+)\): (?:catastrophic )?error:? ?(?:#\S+: )?(.*)$/gm;
  return [...log.matchAll(pattern)].map((match) => ({
    file: match[1]!,
    line: Number(match[2]),
    message: match[3]!,
    at: match.index,
  }));
}

/** NVRTC's own caret line where its log has one, else a caret under the line's first character. */
function caret(text: string, log: string, at: number): string {
  const rows = log.slice(at).split("\n");
  const own = rows.slice(1, 4).find((row) => /^\s*\^\s*$/.test(row));
  const shift = own ? (rows[1] ?? "").indexOf(text.trim()) - text.indexOf(text.trim()) : -1;
  return own && shift >= 0 ? own.slice(shift) : `${" ".repeat(Math.max(text.search(/\S/), 0))}^`;
}
