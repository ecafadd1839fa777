import { type Figure, svgFigure } from "../figure";
import { drawing, ink, label, laneColor, laneRow, link, type RequestExample, shape, titled } from "./drawing";

const WIDTH = 760;
const LANE = 19;
const BANKS = 32;

/** A request to shared memory; a lane asks for `width` bytes. */
export interface SharedRequest extends RequestExample {
  readonly width: number;
  /** An atomic is done lane by lane, also where lanes want the same word. */
  readonly atomic?: boolean;
}

/** What a bank must serve: a word of 4 bytes, and the first lane that wants it. */
interface Serving {
  readonly word: number;
  readonly lane: number;
}

/** What each bank must serve one after another: every word once, of an atomic once a lane. */
export function servings({ offsets, width, atomic }: SharedRequest): ReadonlyArray<readonly Serving[]> {
  const banks = Array.from({ length: BANKS }, (): Serving[] => []);
  offsets.forEach((offset, lane) => {
    if (offset === null) return;
    for (let word = Math.floor(offset / 4); word * 4 < offset + width; word++) {
      const bank = banks[word % BANKS]!;
      if (atomic || !bank.some((one) => one.word === word)) bank.push({ word, lane });
    }
  });
  return banks;
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
  const { offsets, memory, width, atomic } = request;
  const stacks = servings(request);
  const degree = Math.max(1, ...stacks.map((stack) => stack.length));
  const passes = Math.max(1, Math.ceil(width / 4));
  const unit = degree > 16 ? 6 : degree > 8 ? 10 : 15;
  const laneTop = 20;
  const bankTop = laneTop + LANE + 66;
  const height = bankTop + 24 + degree * unit + 8;
  const place = (index: number) => (index + 0.5) * (WIDTH / BANKS);
  const parts = [label(0, 12, "lanes above, banks below", { faint: true, size: 11 })];
  stacks.forEach((stack, bank) => {
    const over = stack.length > passes;
    const box = shape("rect", {
      x: place(bank) - LANE / 2,
      y: bankTop,
      width: LANE,
      height: LANE,
      rx: 3,
      fill: over ? "#d1603d" : stack.length > 0 ? "#2e9d5b" : "none",
      stroke: ink,
      "stroke-opacity": stack.length > 0 ? 0 : 0.3,
    });
    const number = label(place(bank), bankTop + 13, String(bank), {
      anchor: "middle",
      size: 9.5,
      fill: stack.length > 0 ? "#fff" : ink,
      faint: stack.length === 0,
    });
    parts.push(titled(`bank ${bank}: ${stack.length} to serve`, box + number));
    stack.forEach(({ word, lane }, i) => {
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
  const free =
    passes === 1
      ? "No bank has more than one word to serve"
      : `No bank has more than ${passes} words to serve`;
  const one = atomic
    ? `An atomic is done lane by lane, and here ${degree} lanes want one bank`
    : `A bank serves one word at a time, and here one has ${degree} to serve`;
  const caption =
    degree <= passes
      ? `${free}: the warp is served without waiting.`
      : `${one}: ${degree} passes where ${passes} would do.`;
  const heading = title ?? `One request to ${memory || "shared memory"}, bank by bank`;
  return svgFigure(drawing(WIDTH, height, heading, parts.join("")), { title: heading, caption });
}
