/** A time in the unit that reads best: "412 ns", "3.21 us", "15.4 ms", "1.20 s". */
export function formatSeconds(seconds: number): string {
  if (seconds === 0) return "0 s";
  const [scale, unit] = scaleOf(seconds, [
    [1, "s"],
    [1e-3, "ms"],
    [1e-6, "us"],
    [1e-9, "ns"],
  ]);
  return `${digits(seconds / scale)} ${unit}`;
}

/** A byte rate: "4.18 TB/s". */
export function formatByteRate(bytesPerSecond: number): string {
  return withPrefix(bytesPerSecond, "B/s");
}

/** An operation rate: "807 TFLOP/s". */
export function formatFlopRate(flopsPerSecond: number): string {
  return withPrefix(flopsPerSecond, "FLOP/s");
}

/** A count of bytes in decimal units: "1.07 GB". */
export function formatBytes(bytes: number): string {
  return withPrefix(bytes, "B");
}

/** A share as a percentage: "93.1%". */
export function formatShare(share: number): string {
  return `${digits(share * 100)}%`;
}

/** Three significant digits, without an exponent in the usual range. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(size >= 1 ? 2 : 3);
}

/** An axis tick: at most three significant digits and no trailing zeros. */
export function tickText(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 9 });
}

/** Escapes text for HTML and SVG. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function withPrefix(value: number, unit: string): string {
  if (value === 0) return `0 ${unit}`;
  const [scale, prefix] = scaleOf(value, [
    [1e15, "P"],
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
    [1, ""],
  ]);
  return `${digits(value / scale)} ${prefix}${unit}`;
}

// The largest unit whose rounded figure does not read "0.9": the one at or below the value.
function scaleOf(value: number, units: ReadonlyArray<readonly [number, string]>): readonly [number, string] {
  return units.find(([scale]) => Math.abs(value) >= scale * 0.9995) ?? units[units.length - 1]!;
}
