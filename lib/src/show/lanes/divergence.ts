import { LabError } from "../../core/error";
import { type Figure, svgFigure } from "../figure";
import type { StepTrace } from "../steps/trace";
import { drawing, ink, label, laneColor, shape } from "./drawing";

const WIDTH = 760;
const CELL = 13;
const ROW = 19;
const MOST_ROWS = 48;

/** Which lanes ran a line. */
export interface LaneRow {
  readonly line: number;
  readonly text: string;
  readonly mask: number;
}

/** The lines a warp ran in order, repeats in a row once; from a recorded block. */
export function laneRows(trace: StepTrace, warp = 0, block = 0): LaneRow[] {
  const steps = trace.blocks[block]?.warps[warp];
  if (!steps) {
    throw new LabError(
      "invalid-argument",
      `Expected a warp of a recorded block of ${trace.kernel} but received warp ${warp} of recording ${block}.`,
      {
        advice: `There are ${trace.blocks.length} recordings of ${trace.blocks[0]?.warps.length ?? 0} warps.`,
      },
    );
  }
  const lines = trace.source.split("\n");
  const rows: LaneRow[] = [];
  for (const [line, , mask] of steps) {
    const last = rows[rows.length - 1];
    if (last?.line === line && last.mask === mask) continue;
    rows.push({ line, text: (lines[line - 1] ?? "").trim(), mask });
  }
  return rows;
}

/**
 * A warp's way through the source: time downwards, a square a lane, filled where the lane runs. Half-empty rows are
 * divergence: the warp spends the time, some lanes do not.
 *
 * @example lab.show(lab.divergencePicture(await lab.step(kernel, { grid: 1, block: 32 }, [x], { show: false })))
 */
export function divergencePicture(
  trace: StepTrace,
  options: { readonly warp?: number; readonly title?: string } = {},
): Figure {
  const { warp = 0 } = options;
  const all = laneRows(trace, warp);
  const rows = all.slice(0, MOST_ROWS);
  const threads = Math.min(32, trace.block.reduce((a, b) => a * b, 1) - warp * 32);
  const left = WIDTH - 32 * CELL;
  const most = Math.floor((left - 44) / 6.7);
  const parts = rows.map(({ line, text, mask }, row) => {
    const y = row * ROW + 4;
    const shown = text.length > most ? `${text.slice(0, most - 1)}…` : text;
    const cells = Array.from({ length: threads }, (_, lane) => {
      const on = ((mask >>> lane) & 1) === 1;
      return shape("rect", {
        x: left + lane * CELL + 1,
        y,
        width: CELL - 2,
        height: CELL,
        rx: 2,
        fill: on ? laneColor(lane) : ink,
        "fill-opacity": on ? 1 : 0.07,
      });
    });
    const code = shape(
      "text",
      {
        x: 34,
        y: y + 11,
        "font-size": 11.2,
        fill: ink,
        "font-family": "ui-monospace, Menlo, Consolas, monospace",
        "xml:space": "preserve",
      },
      escapeText(shown),
    );
    return label(26, y + 11, String(line), { anchor: "end", size: 11, faint: true }) + code + cells.join("");
  });
  const busy = all.reduce((sum, { mask }) => sum + bits(mask), 0) / Math.max(1, all.length * threads);
  const caption =
    `${Math.round(busy * 100)}% of the lanes' time is used.` +
    (all.length > rows.length ? ` The first ${rows.length} of ${all.length} rows.` : "");
  const title = options.title ?? `Warp ${warp} of ${trace.kernel}: which lanes run each line`;
  return svgFigure(drawing(WIDTH, rows.length * ROW + 8, title, parts.join("")), { title, caption });
}

function bits(mask: number): number {
  let count = 0;
  for (let lane = 0; lane < 32; lane++) count += (mask >>> lane) & 1;
  return count;
}

function escapeText(text: string): string {
  return text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
}
