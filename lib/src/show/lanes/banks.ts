import { type Figure, svgFigure } from "../figure";
import { drawing, ink, label, laneColor, laneRow, link, type RequestExample, shape, titled } from "./drawing";

const WIDTH = 760;
const LANE = 19;
const BANKS = 32;

/** A request to shared memory; a lane asks for `width` bytes. */
export interface SharedRequest extends RequestExample {
  readonly width: number;
}

/** Words of 4 bytes that lanes want of each bank, each counted once. */
export function wordsByBank({ offsets, width }: SharedRequest): ReadonlyArray<readonly number[]> {
  const banks = Array.from({ length: BANKS }, () => new Set<number>());
  for (const offset of offsets) {
    if (offset === null) continue;
    for (let at = Math.floor(offset / 4); at * 4 < offset + width; at++) banks[at % BANKS]!.add(at);
  }
  return banks.map((words) => [...words].sort((a, b) => a - b));
}

/**
 * One request of a warp to shared memory: 32 lanes above, 32 banks below, and on each bank the words that it must serve
 * one after another. A tall stack is a bank conflict.
 *
 * Drawn for accesses of up to 4 bytes a lane; of wider ones the stacks count the words of the whole warp, which the
 * hardware serves in halves and quarters.
 *
 * @example lab.show(lab.bankPicture({ ...request.exemplar, width: request.width }))
 */
export function bankPicture(request: SharedRequest, title?: string): Figure {
  const { offsets, memory, width } = request;
  const stacks = wordsByBank(request);
  const degree = Math.max(1, ...stacks.map((words) => words.length));
  const passes = Math.max(1, Math.ceil(width / 4));
  const unit = degree > 16 ? 6 : degree > 8 ? 10 : 15;
  const laneTop = 20;
  const bankTop = laneTop + LANE + 66;
  const height = bankTop + 24 + degree * unit + 8;
  const place = (index: number) => (index + 0.5) * (WIDTH / BANKS);
  const parts = [label(0, 12, "lanes above, banks below", { faint: true, size: 11 })];
  stacks.forEach((words, bank) => {
    const over = words.length > passes;
    const box = shape("rect", {
      x: place(bank) - LANE / 2,
      y: bankTop,
      width: LANE,
      height: LANE,
      rx: 3,
      fill: over ? "#d1603d" : words.length > 0 ? "#2e9d5b" : "none",
      stroke: ink,
      "stroke-opacity": words.length > 0 ? 0 : 0.3,
    });
    const number = label(place(bank), bankTop + 13, String(bank), {
      anchor: "middle",
      size: 9.5,
      fill: words.length > 0 ? "#fff" : ink,
      faint: words.length === 0,
    });
    parts.push(titled(`bank ${bank}: ${words.length} words`, box + number));
    words.forEach((word, i) => {
      const lane = offsets.findIndex(
        (at) => at !== null && Math.floor(at / 4) <= word && word * 4 < at + width,
      );
      const bar = shape("rect", {
        x: place(bank) - LANE / 2 + 2,
        y: bankTop + LANE + 4 + i * unit,
        width: LANE - 4,
        height: unit - 1.5,
        rx: 1.5,
        fill: laneColor(lane),
      });
      parts.push(titled(`${memory || "shared memory"} + ${word * 4} B, wanted by lane ${lane}`, bar));
    });
  });
  offsets.forEach((offset, lane) => {
    if (offset === null) return;
    parts.push(
      link(place(lane), laneTop + LANE, place(Math.floor(offset / 4) % BANKS), bankTop, laneColor(lane)),
    );
  });
  parts.push(laneRow(laneTop, place, LANE, (lane) => offsets[lane] !== null && offsets[lane] !== undefined));
  const caption =
    degree <= passes
      ? `No bank has to serve more than ${passes === 1 ? "one word" : `${passes} words`}: the warp is served without waiting.`
      : `A bank serves one word at a time, and here one has ${degree} to serve: the warp waits for ${degree} passes where ${passes} would do.`;
  const heading = title ?? `One request to ${memory || "shared memory"}, bank by bank`;
  return svgFigure(drawing(WIDTH, height, heading, parts.join("")), { title: heading, caption });
}
