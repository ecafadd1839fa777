import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { LabError } from "../../core/error";
import type { CodeLine } from "../../core/inspection";
import type { OwnFile } from "./ptxLines";

/** Runs nvdisasm over a CUBIN: its code with the line table, inlined places included. Throws "disassembler-failed". */
export async function disassemble(nvdisasm: string, cubin: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(nvdisasm, ["-c", "-gi", cubin], {
      maxBuffer: 256 * 2 ** 20,
    });
    return stdout;
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim() || (cause as Error).message;
    throw new LabError("disassembler-failed", `Disassembling ${cubin}: ${nvdisasm} failed: ${said}`, {
      advice: "The disassembler must be at least as new as NVRTC; pip install -U nvidia-cuda-nvdisasm.",
      cause,
    });
  }
}

/**
 * The machine code of one kernel with the source lines that nvdisasm's `//##` comments tell, or null when the listing
 * has no such kernel. Consecutive comments are one place: the innermost first, then those it was inlined at.
 */
export function sassLines(listing: string, symbol: string, own: OwnFile): CodeLine[] | null {
  const rows = listing.split("\n");
  const start = rows.indexOf(`.text.${symbol}:`);
  if (start < 0) return null;
  const lines: CodeLine[] = [];
  let here: number[] = [];
  let opened = false;
  for (const row of rows.slice(start + 1)) {
    if (/^\s*\.section\b|^\/\/-{8}/.test(row)) break;
    const place = /^\s*\/\/## File "([^"]*)", line (\d+)/.exec(row);
    if (place) {
      if (!opened) here = [];
      opened = true;
      if (own(place[1]!)) here = [...here, Number(place[2])];
      continue;
    }
    opened = false;
    const instruction = /^\s*\/\*([0-9a-f]{4,})\*\/\s+(.*?)\s*;?\s*$/.exec(row);
    const label = /^(\.L_\w+):/.exec(row);
    if (instruction) lines.push({ text: `${instruction[1]}  ${instruction[2]}`, label: false, lines: here });
    else if (label) lines.push({ text: `${label[1]}:`, label: true, lines: here });
  }
  return lines;
}

/**
 * How many instructions that touch memory there are, by name and width: "LDG.128" loads 16 bytes of global memory a
 * lane, "LDS" 4 of shared memory. What says only how they are cached or ordered is left out.
 */
export function memoryInstructions(lines: readonly CodeLine[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { text } of lines) {
    const name = /^[0-9a-f]+\s+(?:@\S+\s+)?((?:LD|ST|ATOM|RED)[A-Z]*)((?:\.[A-Z0-9]+)*)/.exec(text);
    // Constants come through their own cache, and LDGDEPBAR only counts copies.
    if (!name || /^(?:LDC|LDGDEPBAR)/.test(name[1]!)) continue;
    const width = /\.(64|128|[US]8|[US]16)\b/.exec(name[2]!)?.[0] ?? "";
    counts[name[1]! + width] = (counts[name[1]! + width] ?? 0) + 1;
  }
  return counts;
}
