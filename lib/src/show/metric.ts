import type { MeasureRecord } from "../record/schema";
import { digits, formatByteRate, formatFlopRate, formatSeconds, formatShare } from "./format";

/** What a picture shows of a record. */
export type MetricName = "time" | "bandwidth" | "flops" | "share";

/** A quantity read off a record, with its unit for an axis. */
export interface Metric {
  readonly name: MetricName;
  /** Axis label with the unit: "TB/s". */
  readonly label: string;
  /** Divides an SI value into the axis unit. */
  readonly scale: number;
  readonly better: "lower" | "higher";
  /** The SI value, null where the record has none. */
  of(record: MeasureRecord): number | null;
  /** The value from a time instead of the median: for the ends of its interval. */
  at(record: MeasureRecord, seconds: number): number | null;
  /** The value in words: "4.18 TB/s". */
  text(value: number): string;
}

/**
 * The metric that suits the records: operations a second where compute is the limit, else bytes a second, else time.
 */
export function metricFor(records: readonly MeasureRecord[], wanted?: MetricName): Metric {
  const name = wanted ?? natural(records);
  const rough = metric(name, 1, "");
  const largest = Math.max(0, ...records.map((r) => rough.of(r) ?? 0));
  const [scale, prefix] = unitOf(name, largest);
  return metric(name, scale, prefix);
}

function natural(records: readonly MeasureRecord[]): MetricName {
  const every = (test: (r: MeasureRecord) => boolean) => records.length > 0 && records.every(test);
  if (every((r) => r.rates.flopsPerSecond !== null && r.rates.roofline?.bound !== "memory")) return "flops";
  return every((r) => r.rates.bytesPerSecond !== null) ? "bandwidth" : "time";
}

function unitOf(name: MetricName, largest: number): [number, string] {
  if (name === "share") return [0.01, ""];
  const steps: [number, string][] =
    name === "time"
      ? [
          [1, ""],
          [1e-3, "m"],
          [1e-6, "u"],
          [1e-9, "n"],
        ]
      : [
          [1e12, "T"],
          [1e9, "G"],
          [1e6, "M"],
          [1, ""],
        ];
  return steps.find(([scale]) => largest >= scale) ?? steps[steps.length - 1]!;
}

function metric(name: MetricName, scale: number, prefix: string): Metric {
  const at = (record: MeasureRecord, seconds: number): number | null => {
    if (name === "time") return seconds;
    if (name === "share") return record.rates.roofline && record.rates.roofline.floorSeconds / seconds;
    const amount = name === "flops" ? record.flops : record.bytes;
    return amount === null ? null : amount / seconds;
  };
  const text = { time: formatSeconds, bandwidth: formatByteRate, flops: formatFlopRate, share: formatShare }[
    name
  ];
  const label = {
    time: `median time (${prefix}s)`,
    bandwidth: `${prefix}B/s`,
    flops: `${prefix}FLOP/s`,
    share: "share of the roof (%)",
  }[name];
  return {
    name,
    label,
    scale,
    better: name === "time" ? "lower" : "higher",
    at,
    of: (record) => at(record, record.statistics.median),
    text,
  };
}

/** A parameter's value in words. */
export function parameterText(value: string | number | boolean): string {
  return typeof value === "number" && !Number.isInteger(value) ? digits(value) : String(value);
}
