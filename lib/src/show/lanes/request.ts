import { type Figure, svgFigure } from "../figure";
import { drawing, ink, label, laneColor, laneRow, link, type RequestExample, shape, titled } from "./drawing";

const WIDTH = 760;
const LINE_BYTES = 128;
const SECTOR_BYTES = 32;
const LANE = 19;
const MOST_LINES = 64;

/** A request to global memory, with the bytes each lane asks for. */
export interface GlobalRequest extends RequestExample {
  readonly width: number;
}

/** What a request moves: sectors of 32 bytes, of which lanes asked for some bytes. */
export interface RequestCost {
  readonly asked: number;
  readonly sectors: number;
  readonly ideal: number;
}

/** Bytes asked for, each counted once, and the sectors that hold them. */
export function requestCost({ offsets, width }: GlobalRequest): RequestCost {
  const asked = new Set<number>();
  for (const offset of offsets) {
    if (offset === null) continue;
    for (let byte = offset; byte < offset + width; byte++) asked.add(byte);
  }
  const sectors = new Set([...asked].map((byte) => Math.floor(byte / SECTOR_BYTES)));
  return { asked: asked.size, sectors: sectors.size, ideal: Math.ceil(asked.size / SECTOR_BYTES) };
}

/**
 * One request of a warp to global memory: 32 lanes, the 128-byte lines they reach, the 32-byte sectors that move, and
 * the bytes of them that somebody asked for.
 *
 * @example
 * const [first] = report.lines.flatMap((line) => line.requests);
 * lab.show(lab.requestPicture({ ...first.exemplar, width: first.width }));
 */
export function requestPicture(request: GlobalRequest, title?: string): Figure {
  const { offsets, width, memory } = request;
  const cost = requestCost(request);
  const lines = linesOf(request);
  const shown = lines.slice(0, MOST_LINES);
  const across = shown.length <= 4 ? 4 : 8;
  const lineWidth = (WIDTH - (across - 1) * 8) / across;
  const rows = Math.ceil(shown.length / across);
  const laneTop = 20;
  const memoryTop = laneTop + LANE + 78;
  const rowHeight = 46;
  const height = memoryTop + rows * rowHeight + 4;
  const xOfLane = (lane: number) => (lane + 0.5) * (WIDTH / 32);
  const inLines = rows === 1 ? 0 : (across - Math.min(across, shown.length)) / 2;
  const placeOf = (byte: number): readonly [number, number] => {
    const index = shown.indexOf(Math.floor(byte / LINE_BYTES));
    const column = rows === 1 ? inLines + index : index % across;
    const x = column * (lineWidth + 8) + ((byte % LINE_BYTES) / LINE_BYTES) * lineWidth;
    return [x, memoryTop + Math.floor(index / across) * rowHeight];
  };
  const parts = [label(0, 12, "lanes", { faint: true, size: 11 })];
  for (const line of shown)
    parts.push(lineBox(line, lineWidth, placeOf(line * LINE_BYTES), touchedSectors(request)));
  const links: string[] = [];
  offsets.forEach((offset, lane) => {
    if (offset === null || !shown.includes(Math.floor(offset / LINE_BYTES))) return;
    const [x, y] = placeOf(offset);
    const wide = Math.max(2, (width / LINE_BYTES) * lineWidth - 0.8);
    links.push(link(xOfLane(lane), laneTop + LANE, x + wide / 2, y, laneColor(lane)));
    parts.push(
      titled(
        `lane ${lane}: ${memory} + ${offset} B`,
        shape("rect", { x, y: y + 1, width: wide, height: 18, fill: laneColor(lane) }),
      ),
    );
  });
  parts.push(
    ...links,
    laneRow(laneTop, xOfLane, LANE, (lane) => offsets[lane] !== null && offsets[lane] !== undefined),
  );
  const moved = cost.sectors * SECTOR_BYTES;
  const caption =
    `${cost.asked} bytes asked for; ${cost.sectors} sectors = ${moved.toLocaleString("en-US")} bytes moved` +
    (cost.sectors === cost.ideal ? ", the fewest there can be." : `, where ${cost.ideal} sectors would do.`) +
    (lines.length > shown.length ? ` ${lines.length - shown.length} more lines are not drawn.` : "") +
    " A box is a line of 128 bytes, a tinted quarter a sector that moves.";
  const heading = title ?? `One request to ${memory || "global memory"}`;
  return svgFigure(drawing(WIDTH, height, heading, parts.join("")), { title: heading, caption });
}

/** A line of 128 bytes with its four sectors; those that move are tinted. */
function lineBox(
  line: number,
  width: number,
  [x, y]: readonly [number, number],
  moved: ReadonlySet<number>,
): string {
  const sectors = [0, 1, 2, 3].map((quarter) => {
    const moves = moved.has(line * 4 + quarter);
    return shape("rect", {
      x: x + (quarter * width) / 4,
      y,
      width: width / 4,
      height: 20,
      fill: moves ? "#c28a14" : ink,
      "fill-opacity": moves ? 0.32 : 0.05,
      stroke: ink,
      "stroke-opacity": 0.35,
    });
  });
  return (
    sectors.join("") +
    label(x, y + 33, `+${(line * LINE_BYTES).toLocaleString("en-US")}`, { size: 10, faint: true })
  );
}

function linesOf({ offsets, width }: GlobalRequest): number[] {
  const lines = new Set<number>();
  for (const offset of offsets) {
    if (offset === null) continue;
    for (let at = Math.floor(offset / LINE_BYTES); at * LINE_BYTES < offset + width; at++) lines.add(at);
  }
  return [...lines].sort((a, b) => a - b);
}

function touchedSectors({ offsets, width }: GlobalRequest): Set<number> {
  const sectors = new Set<number>();
  for (const offset of offsets) {
    if (offset === null) continue;
    for (let at = Math.floor(offset / SECTOR_BYTES); at * SECTOR_BYTES < offset + width; at++)
      sectors.add(at);
  }
  return sectors;
}
