/** Completion, hover and continuation, in the words of Jupyter's protocol. */

import type { Session } from "./session";
import { isCompleteCode, printQuickInfo } from "./tslab";
import type { Content } from "./wire";

// Jupyter counts characters of Unicode, JavaScript counts UTF-16 units: they differ after an emoji.
function toUnits(code: string, characters: number): number {
  return [...code].slice(0, characters).join("").length;
}

function toCharacters(code: string, units: number): number {
  return [...code.slice(0, units)].length;
}

/** Answers complete_request. */
export function complete(session: Session, code: string, cursor: number): Content {
  const info = session.complete(code, toUnits(code, cursor));
  const prefix = code.slice(info.start, toUnits(code, cursor)).toLowerCase();
  const matches = info.candidates.filter((name) => name.toLowerCase().startsWith(prefix));
  const start = toCharacters(code, info.start);
  const end = toCharacters(code, info.end);
  const kinds = new Map((info.original?.entries ?? []).map((entry) => [entry.name, String(entry.kind)]));
  return {
    status: "ok",
    matches,
    cursor_start: start,
    cursor_end: end,
    metadata: {
      // JupyterLab shows these beside the names.
      _jupyter_types_experimental: matches.map((text) => ({ text, type: kinds.get(text) ?? "", start, end })),
    },
  };
}

/** Answers inspect_request. */
export function inspectAt(session: Session, code: string, cursor: number): Content {
  const info = session.inspect(code, toUnits(code, cursor));
  const data = info ? { "text/plain": printQuickInfo(info) } : {};
  return { status: "ok", found: info !== null, data, metadata: {} };
}

/** Answers is_complete_request. */
export function isComplete(code: string): Content {
  const result = isCompleteCode(code);
  return result.completed ? { status: "complete" } : { status: "incomplete", indent: result.indent ?? "" };
}
