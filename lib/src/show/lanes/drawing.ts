import { escapeHtml } from "../format";

/** One request of a warp to memory, as `lab.lens` keeps the worst of every instruction. */
export interface RequestExample {
  /** The memory's name: "x". */
  readonly memory: string;
  /** Byte offsets, one a lane; null of a lane that takes no part. */
  readonly offsets: ReadonlyArray<number | null>;
}

/** Ink that reads on white and on near-black. */
export const ink = "currentColor";

/** Hue of a lane, from blue through green and gold to red, so that order is seen. */
export function laneColor(lane: number): string {
  const hue = 215 - (lane / 31) * 215;
  return `hsl(${Math.round(hue)} 62% 50%)`;
}

/** A shape or group with attributes. */
export function shape(
  tag: string,
  attributes: Readonly<Record<string, string | number>>,
  inside = "",
): string {
  const list = Object.entries(attributes)
    .map(
      ([name, value]) => ` ${name}="${escapeHtml(typeof value === "number" ? String(round(value)) : value)}"`,
    )
    .join("");
  return inside ? `<${tag}${list}>${inside}</${tag}>` : `<${tag}${list}/>`;
}

/** Text at a place; `anchor` as SVG has it. */
export function label(
  x: number,
  y: number,
  text: string,
  options: {
    readonly anchor?: string;
    readonly size?: number;
    readonly faint?: boolean;
    readonly fill?: string;
  } = {},
): string {
  const { anchor = "start", size = 12, faint = false, fill = ink } = options;
  const attributes = {
    x,
    y,
    "text-anchor": anchor,
    "font-size": size,
    fill,
    ...(faint ? { opacity: 0.65 } : {}),
  };
  return shape("text", attributes, escapeHtml(text));
}

/** A title that a browser shows over a shape, inside a group. */
export function titled(title: string, inside: string): string {
  return `<g><title>${escapeHtml(title)}</title>${inside}</g>`;
}

/** A thread from above to below, as a curve. */
export function link(x1: number, y1: number, x2: number, y2: number, color: string): string {
  const middle = (y1 + y2) / 2;
  const d = `M${round(x1)} ${round(y1)}C${round(x1)} ${round(middle)} ${round(x2)} ${round(middle)} ${round(x2)} ${round(y2)}`;
  return shape("path", { d, fill: "none", stroke: color, "stroke-width": 1.3, "stroke-opacity": 0.55 });
}

/** The row of 32 lanes; those that take no part are hollow. */
export function laneRow(
  y: number,
  place: (lane: number) => number,
  size: number,
  active: (lane: number) => boolean,
): string {
  return Array.from({ length: 32 }, (_, lane) => {
    const x = place(lane);
    const on = active(lane);
    const box = shape("rect", {
      x: x - size / 2,
      y,
      width: size,
      height: size,
      rx: 3,
      fill: on ? laneColor(lane) : "none",
      stroke: on ? laneColor(lane) : ink,
      "stroke-opacity": on ? 1 : 0.3,
    });
    const number = label(x, y + size / 2 + 3.5, String(lane), {
      anchor: "middle",
      size: 9.5,
      fill: on ? "#fff" : ink,
      faint: !on,
    });
    return titled(on ? `lane ${lane}` : `lane ${lane} takes no part`, box + number);
  }).join("");
}

/** The whole drawing. */
export function drawing(width: number, height: number, title: string, inside: string): string {
  const attributes = {
    viewBox: `0 0 ${round(width)} ${round(height)}`,
    width,
    height,
    "aria-label": title,
    "font-family": "system-ui, sans-serif",
    style: "max-width:100%;height:auto",
  };
  return shape("svg", attributes, inside);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
