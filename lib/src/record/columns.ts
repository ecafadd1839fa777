import type { MeasureRecord } from "./schema";

/** A value of a flat table; times in seconds, sizes in bytes. */
export type Flat = string | number | boolean | null;

/** One column with a value for every row. */
export interface Column {
  readonly name: string;
  readonly values: readonly Flat[];
}

/**
 * Records as columns, a row each: what was measured, how, where, and what came out. Parameters of the case get a column
 * each, `case_<name>`; settings of the implementation stand together as JSON.
 *
 * @example lab.recordColumns(records).find((c) => c.name === "median_s")?.values
 */
export function recordColumns(records: readonly MeasureRecord[]): Column[] {
  const fixed = Object.entries(fields).map(([name, read]) => ({ name, values: records.map(read) }));
  const parameters = [...new Set(records.flatMap((r) => Object.keys(r.case.params)))].sort();
  return [
    ...fixed,
    ...parameters.map((name) => ({
      name: `case_${name}`,
      values: records.map((r) => r.case.params[name] ?? null),
    })),
  ];
}

/** The samples of records as columns, a row a sample in the order they were taken; `record` is the record's id. */
export function sampleColumns(records: readonly MeasureRecord[]): Column[] {
  const rows = records.flatMap((record) =>
    record.samples.map((seconds, index) => ({ record, seconds, index })),
  );
  return [
    { name: "record", values: rows.map((r) => r.record.id) },
    { name: "suite", values: rows.map((r) => r.record.case.suite) },
    { name: "case", values: rows.map((r) => r.record.case.name) },
    { name: "implementation", values: rows.map((r) => r.record.implementation.name) },
    { name: "device", values: rows.map((r) => r.record.environment.device.name) },
    { name: "sample", values: rows.map((r) => r.index) },
    { name: "seconds", values: rows.map((r) => r.seconds) },
  ];
}

/** Columns as CSV by RFC 4180: a comma between, CRLF after each row, quotes where a text needs them, nothing for null. */
export function csvText(columns: readonly Column[]): string {
  const rows = columns[0]?.values.length ?? 0;
  const lines = [columns.map((c) => csvCell(c.name)).join(",")];
  for (let row = 0; row < rows; row++) lines.push(columns.map((c) => csvCell(c.values[row]!)).join(","));
  return `${lines.join("\r\n")}\r\n`;
}

function csvCell(value: Flat): string {
  if (value === null) return "";
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

const fields: Readonly<Record<string, (record: MeasureRecord) => Flat>> = {
  record: (r) => r.id,
  date: (r) => r.environment.date,
  suite: (r) => r.case.suite,
  case: (r) => r.case.name,
  dtype: (r) => r.case.dtype,
  distribution: (r) => r.case.distribution ?? null,
  implementation: (r) => r.implementation.name,
  implementation_id: (r) => r.implementation.id,
  kind: (r) => r.implementation.kind,
  settings: (r) => JSON.stringify(r.implementation.parameters),
  source_hash: (r) => r.implementation.sourceHash,
  device: (r) => r.environment.device.name,
  device_kind: (r) => r.environment.device.kind,
  arch: (r) => r.environment.device.arch,
  driver: (r) => r.environment.driver,
  runtime: (r) => r.environment.runtime,
  compiler: (r) => r.environment.compiler,
  lab_version: (r) => r.environment.lab.version,
  lab_commit: (r) => r.environment.lab.commit,
  mode: (r) => r.method.mode,
  timer: (r) => r.method.timer,
  interleaved: (r) => r.method.interleaved,
  warmup: (r) => r.method.warmup,
  batch: (r) => r.method.batch,
  samples: (r) => r.statistics.count,
  mean_s: (r) => r.statistics.mean,
  std_s: (r) => r.statistics.std,
  min_s: (r) => r.statistics.min,
  max_s: (r) => r.statistics.max,
  median_s: (r) => r.statistics.median,
  p95_s: (r) => r.statistics.p95,
  p99_s: (r) => r.statistics.p99,
  mad_s: (r) => r.statistics.mad,
  ci95_lo_s: (r) => r.statistics.ci95[0],
  ci95_hi_s: (r) => r.statistics.ci95[1],
  bytes: (r) => r.bytes,
  flops: (r) => r.flops,
  bytes_per_s: (r) => r.rates.bytesPerSecond,
  flops_per_s: (r) => r.rates.flopsPerSecond,
  bound: (r) => r.rates.roofline?.bound ?? null,
  floor_s: (r) => r.rates.roofline?.floorSeconds ?? null,
  roof_share: (r) => r.rates.roofline?.share ?? null,
  verdict: (r) => r.verdict.verdict,
  reasons: (r) => r.verdict.reasons.join("; "),
  correct: (r) => r.check?.passed ?? null,
  max_abs_error: (r) => r.check?.maxAbs ?? null,
  mean_abs_error: (r) => r.check?.meanAbs ?? null,
  max_rel_error: (r) => r.check?.maxRel ?? null,
  registers: (r) => r.resources?.registers ?? null,
  spill_bytes: (r) => r.resources?.spillBytes ?? null,
  occupancy: (r) => r.resources?.occupancy ?? null,
  used_bytes: (r) => r.memory?.usedBytes ?? null,
  peak_bytes: (r) => r.memory?.peakBytes ?? null,
};
