import type { CodeLine } from "../../core/inspection";

/** Places of the kernel's own file that a piece of code comes from, the innermost first. */
type Chain = readonly number[];

/** True for the file that the kernel's source was compiled as. */
export type OwnFile = (path: string) => boolean;

/**
 * The PTX of one entry with the source lines its `.loc` directives tell, or null when the text has no such entry.
 *
 * A `.loc` of inlined code names its caller by the caller's own place; a caller may be inlined in turn, so places are
 * followed through a table of those seen before (PTX ISA, "Debugging Directives: .loc").
 */
export function ptxLines(ptx: string, symbol: string, own: OwnFile): CodeLine[] | null {
  const body = entryText(ptx, symbol);
  if (body === null) return null;
  const files = new Map(
    [...ptx.matchAll(/^\s*\.file\s+(\d+)\s+"([^"]*)"/gm)].map((match) => [match[1]!, match[2]!]),
  );
  const lineOf = (file: string, line: string): Chain => (own(files.get(file) ?? "") ? [Number(line)] : []);
  const callers = new Map<string, Chain>();
  const lines: CodeLine[] = [];
  let here: Chain = [];
  for (const text of body.split("\n")) {
    const location = /^\s*\.loc\s+(\d+)\s+(\d+)\s+(\d+)(?:,.*?inlined_at\s+(\d+)\s+(\d+)\s+(\d+))?/.exec(
      text,
    );
    if (!location) {
      if (text.trim() !== "")
        lines.push({ text: text.trimEnd(), label: /^\s*[$\w.]+:/.test(text), lines: here });
      continue;
    }
    const [, file = "", line = "", column = "", inFile, inLine, inColumn] = location;
    const outer =
      inFile === undefined
        ? []
        : (callers.get(`${inFile} ${inLine} ${inColumn}`) ?? lineOf(inFile, inLine ?? ""));
    here = [...lineOf(file, line), ...outer];
    callers.set(`${file} ${line} ${column}`, here);
  }
  return lines;
}

/** The text of an entry, from its directive to the brace that closes it. */
function entryText(ptx: string, symbol: string): string | null {
  const start = new RegExp(`^.*\\.entry ${symbol.replace(/\$/g, "\\$")}\\s*\\(`, "m").exec(ptx);
  if (!start) return null;
  const end = /^\}/m.exec(ptx.slice(start.index));
  return ptx.slice(start.index, end ? start.index + end.index + 1 : undefined);
}
