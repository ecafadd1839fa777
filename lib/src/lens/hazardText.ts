import { basename } from "node:path";
import { escapeHtml } from "../show/format";
import type { Hazard, HazardAct } from "./hazard";
import { hexAddress } from "./memoryNames";

type Facts = Omit<Hazard, "message" | "advice">;

const verbs: Readonly<Record<string, string>> = {
  read: "reads it",
  write: "writes it",
  "volatile read": "reads it as a volatile",
  "volatile write": "writes it as a volatile",
  "atomic read": "reads it atomically",
  "atomic write": "writes it atomically",
  "atomic update": "updates it atomically",
  "asynchronous read": "reads it by an asynchronous copy",
  "asynchronous write": "writes it by an asynchronous copy",
  "TMA read": "reads it by TMA",
  "TMA write": "writes it by TMA",
  "TMA add": "adds to it by TMA",
  "wgmma read": "reads it by wgmma",
};

/** One sentence or two: who did what to which element at which lines. */
export function hazardMessage(hazard: Facts): string {
  const [first, second] = hazard.acts as readonly [HazardAct, HazardAct | undefined];
  const times = hazard.count > 1 ? ` (${hazard.count} times)` : "";
  const where = place(hazard);
  const element = hazard.memory && hazard.space === "shared" ? `shared ${where}` : where;
  switch (hazard.kind) {
    case "race":
      return `Race on ${element}: ${who(first)} ${verbs[first.does] ?? first.does} at ${at(first)}, ${who(second!)} ${verbs[second!.does] ?? second!.does} at ${at(second!)}, and nothing orders the two${times}.${values(hazard)}`;
    case "out-of-bounds":
      return `Out of bounds: ${who(first)} ${act(first)} ${element}${beyond(hazard)} at ${at(first)}${times}.`;
    case "use-after-free":
      return `Use after free: ${who(first)} ${act(first)} ${hexAddress(hazard.address)}, memory of a tensor that was freed, at ${at(first)}${times}.`;
    case "misaligned":
      return `Misaligned: ${who(first)} accesses ${element} at ${at(first)}, address ${hexAddress(hazard.address)}, which is no multiple of ${hazard.number}${times}.`;
    case "uninitialised":
      return `Uninitialised: ${who(first)} reads ${element} at ${at(first)}, which nothing has written${times}.`;
    case "divergent-barrier":
      return `Divergent barrier: ${who(first)} waits at ${at(first)}, ${who(second!)} of the same block at ${at(second!)}; a block's threads must come to one __syncthreads()${times}.`;
    case "exited-at-barrier":
      return `${hazard.number} ${hazard.number === 1 ? "thread" : "threads"} of the block had exited (${who(first)}) before the others met at ${at(second!)}${times}.`;
    case "inactive-shuffle":
      return `Shuffle from an inactive lane: ${who(first)} takes the value of lane ${hazard.number}, which the mask does not name or which is not there, at ${at(first)}${times}.`;
    case "overflow":
      return `Integer overflow: a signed result of ${who(first)} does not fit its type at ${at(first)}${times}.`;
    case "bad-index":
      return `Bad index: ${who(first)} uses index ${hazard.number}, beyond the extent of the array, at ${at(first)}${times}.`;
    case "deadlock":
      return `Deadlock: ${hazard.acts.map(waiting).join("; ")}; nobody can go on.`;
    case "time-limit":
      return `Time limit: the kernel did not end; ${who(first)} was at ${at(first)}.`;
  }
}

/** What to do about it. */
export function hazardAdvice(hazard: Facts): string {
  switch (hazard.kind) {
    case "race":
      return raceAdvice(hazard);
    case "out-of-bounds":
      return "Compare the index with the size before the access, and look at the grid that was launched.";
    case "use-after-free":
      return "Free the tensor after the last launch that uses its address.";
    case "misaligned":
      return "A vector access needs an address that is a multiple of its size; begin at such an element or use narrower accesses.";
    case "uninitialised":
      return hazard.space === "shared"
        ? "Shared memory holds nothing when a block begins: write every element that is read, the ragged edge too."
        : "Make the tensor with zeros() or fill(), or have the kernel write the element first.";
    case "divergent-barrier":
      return "Move the __syncthreads() out of the branch.";
    case "exited-at-barrier":
      return "It works where exited threads count as arrived; guard the accesses instead of returning early to be sure.";
    case "inactive-shuffle":
      return "Name the lane in the mask and let it reach the shuffle, or give the shuffle the width of the group.";
    case "overflow":
      return "Compute the index in 64 bits: cast a factor to size_t or long long before multiplying.";
    case "bad-index":
      return "An index beyond its dimension reaches the neighbouring row or variable: check it against the extent.";
    case "deadlock":
      return "Every thread that a barrier or collective waits for must reach it.";
    case "time-limit":
      return "Look at the condition that ends the loop, or raise timeLimit.";
  }
}

function raceAdvice({ acts, level, space }: Facts): string {
  const [a, b] = acts as readonly [HazardAct, HazardAct];
  if (level === "note") return "All wrote the same value, so the outcome does not depend on who comes last.";
  if (acts.some((one) => one.does.startsWith("asynchronous"))) {
    return "Wait for the copy before its data is used (and __syncthreads() before others use it); let everybody finish with a buffer before the next copy into it is issued.";
  }
  if (acts.some((one) => /^(TMA|wgmma)/.test(one.does))) {
    return "Wait for the copy's mbarrier, for the phase that it fills, before its tile is used; give a tile back only after it was read, for wgmma after wgmmaWait.";
  }
  const sameLine = a.line !== null && a.line.line === b.line?.line;
  if (String(a.block) !== String(b.block)) {
    return sameLine
      ? "Blocks run in any order: use an atomic, or give each block its own element."
      : "Nothing but an atomic with __threadfence() on both sides, a grid barrier or the end of the kernel orders blocks.";
  }
  if (sameLine)
    return "Several threads come to one element at this line: use an atomic, or give each its own.";
  const warp = (act: HazardAct): number => Math.floor(act.thread[0] / 32);
  const oneWarp = warp(a) === warp(b) && String(a.thread.slice(1)) === String(b.thread.slice(1));
  return oneWarp && space === "shared"
    ? "Lanes of a warp run independently: put __syncwarp() between the two, or __syncthreads() where other warps take part."
    : "Put __syncthreads() between the two.";
}

function who({ thread, block }: HazardAct): string {
  return `thread (${thread.join(", ")}) of block (${block.join(", ")})`;
}

function waiting(act: HazardAct): string {
  if (act.threads === 1) return `${who(act)} waits ${act.does} at ${at(act)}`;
  return `${act.threads} threads wait ${act.does} at ${at(act)}, ${who(act)} the first of them`;
}

function act({ does }: HazardAct): string {
  return does.endsWith("write") ? "writes" : does.endsWith("update") ? "updates" : "reads";
}

function at({ line }: HazardAct): string {
  return line ? `${basename(line.file)}:${line.line}` : "a line that is not known";
}

function place({ memory, address }: Facts): string {
  return memory?.name ? memory.text : hexAddress(address);
}

function beyond({ memory, address }: Facts): string {
  if (!memory?.name) return ", which is in no tensor,";
  if (memory.size === null || memory.index === null) return ` (${hexAddress(address)})`;
  if (memory.index < 0) return `, in front of its first element,`;
  const below = memory.index - 2 ** 32;
  const wrapped = below < 0 && -below <= memory.size ? ` (${below} as an unsigned index of 32 bits)` : "";
  return ` of ${memory.size} element${memory.size === 1 ? "" : "s"}${wrapped}`;
}

function values({ before, after, acts }: Facts): string {
  if (before === null || after === null || before === after) return "";
  const last = acts[1]!.does.includes("write") ? "wrote" : "found";
  return ` The element held ${before}; the second ${last} ${after}.`;
}

/** Hazards as lines of text, errors first; one line when there are none. */
export function hazardText(hazards: readonly Hazard[]): string {
  if (hazards.length === 0) return "No hazards: no races, no bad addresses, no unwritten values read.";
  return ordered(hazards)
    .map((one) => `${one.level === "error" ? "error" : "note "}  ${one.message}\n       ${one.advice}`)
    .join("\n");
}

// JupyterLab would set the text of a cell flush right.
const cellStyle = "text-align:left;vertical-align:top;padding:3px 10px 3px 0";

/** Hazards as a table of HTML that stands by itself. */
export function hazardHtml(hazards: readonly Hazard[]): string {
  if (hazards.length === 0) return `<p class="lab-hazards">${escapeHtml(hazardText(hazards))}</p>`;
  const row = (tag: "td" | "th", cells: readonly string[]): string =>
    `<tr>${cells.map((cell) => `<${tag} style="${cellStyle}">${cell}</${tag}>`).join("")}</tr>`;
  const rows = ordered(hazards).map((one) =>
    row("td", [
      one.level,
      escapeHtml(one.kind),
      one.acts.map((act) => escapeHtml(at(act))).join("<br>"),
      String(one.count),
      `${escapeHtml(one.message)}<br><em>${escapeHtml(one.advice)}</em>`,
    ]),
  );
  const head = row("th", ["level", "kind", "lines", "count", "what"]);
  return `<table class="lab-hazards"><thead>${head}</thead><tbody>${rows.join("")}</tbody></table>`;
}

function ordered(hazards: readonly Hazard[]): Hazard[] {
  return [...hazards].sort((a, b) => a.level.localeCompare(b.level));
}
