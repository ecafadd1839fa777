import type { MeasureRecord } from "../record/schema";

/** One entry of a legend. */
export interface Swatch {
  readonly label: string;
  readonly color: string;
  readonly hollow?: boolean;
}

/** Mid-tones that keep a contrast of 3 or more on white and on near-black alike. */
export const colors = {
  ours: "#2f7ed8",
  baseline: "#85888f",
  roof: "#d1603d",
  good: "#2e9d5b",
} as const;

/** Hues of several series of ours, in order; told apart also with red-green blindness. */
export const oursPalette = [
  "#2f7ed8",
  "#d1603d",
  "#2e9d5b",
  "#a565c9",
  "#c28a14",
  "#159a9c",
  "#d0538f",
  "#6f7d2e",
];

/** Further hues for a ladder of more rungs, each near one above in hue and apart from it in depth. */
const furtherHues = ["#5f70e0", "#b5533c", "#579414", "#8a5cc0", "#a07035", "#3a86a8", "#c24a7d", "#5c8a68"];

/** Greys and dashes are for what ours is held against. */
export const baselinePalette = ["#85888f", "#6a6e77", "#9a8f80", "#7d8f99", "#a08a9a", "#5f8070"];

/** Fifteen steps from pale to deep for a heatmap, with text that reads on each. */
export const heat = [
  "#e8f1fb",
  "#c9dff5",
  "#a4c9ee",
  "#79aee4",
  "#4f91d8",
  "#2f74c0",
  "#1e58a0",
  "#143f7a",
] as const;

/** A colour for every implementation: hues for ours, greys for baselines. */
export function colorOf(records: readonly MeasureRecord[]): Map<string, string> {
  const result = new Map<string, string>();
  const hues = [...oursPalette, ...furtherHues];
  let ours = 0;
  let baselines = 0;
  for (const { implementation } of records) {
    if (result.has(implementation.name)) continue;
    const color =
      implementation.kind === "ours"
        ? hues[ours++ % hues.length]!
        : baselinePalette[baselines++ % baselinePalette.length]!;
    result.set(implementation.name, color);
  }
  return result;
}

/** Width in pixels of a text at 13 px in a wide system font: enough to leave room for a label. */
export function textWidth(text: string): number {
  return Math.ceil(text.length * 7.8);
}
