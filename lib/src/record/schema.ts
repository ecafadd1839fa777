import { z } from "zod";

/** Version of the record format; raised when a field comes or changes meaning, with a step in migrations.ts. */
export const schemaVersion = 2;

/** Marks a file as ours: JSON without it is foreign. */
export const documentKind = "kernel-lab-run";

const seconds = z.number().nonnegative();
const value = z.union([z.number(), z.string(), z.boolean()]);

/** Where and with what a run was measured; sizes in bytes, clocks in Hz, power in watts. */
export const environmentSchema = z.strictObject({
  device: z.strictObject({
    kind: z.literal(["cpu", "cuda"]),
    name: z.string().min(1),
    arch: z.string(),
    capability: z.tuple([z.number(), z.number()]).nullable(),
    multiprocessors: z.number().nullable(),
    memoryBytes: z.number().nullable(),
    l2Bytes: z.number().nullable(),
    clockHz: z.number().nullable(),
    memoryClockHz: z.number().nullable(),
    powerLimitW: z.number().nullable(),
    workers: z.number().nullable(),
  }),
  driver: z.string().nullable(),
  runtime: z.string().nullable(),
  compiler: z.string().nullable(),
  /** Versions of what else took part: "torch", "python", "cudnn". */
  packages: z.record(z.string(), z.string()),
  lab: z.strictObject({ version: z.string(), commit: z.string().nullable(), dirty: z.boolean().nullable() }),
  node: z.string().nullable(),
  host: z.strictObject({ os: z.string(), cpu: z.string(), cores: z.number() }),
  date: z.iso.datetime(),
});

/** What was computed. `dtype` is the element type of the principal operand. */
export const caseSchema = z.strictObject({
  suite: z.string().min(1),
  name: z.string().min(1),
  params: z.record(z.string(), value),
  dtype: z.string(),
  /** How the inputs were drawn: "normal with 0.1% outliers x16". */
  distribution: z.string().optional(),
});

/** What computed it: ours, or a baseline to hold it against. */
export const implementationSchema = z.strictObject({
  id: z.string().min(1),
  name: z.string().min(1),
  kind: z.literal(["ours", "baseline"]),
  parameters: z.record(z.string(), value),
  sourceHash: z.string().nullable(),
});

/** How it was timed. `short`: from a cold clock, one at a time; `sustained`: back to back at the power limit. */
export const methodSchema = z.strictObject({
  warmup: z.int().nonnegative(),
  samples: z.int().positive(),
  /** Launches a sample covers; its time is divided by this. */
  batch: z.int().positive(),
  /** Bytes written between samples to empty the caches, 0 for none. */
  flushBytes: z.number().nonnegative(),
  mode: z.literal(["short", "sustained"]),
  timer: z.literal(["events", "host"]),
  /** Interleaved with other implementations, A B A B. */
  interleaved: z.boolean(),
  /** Time between two adjacent events with nothing between them, seconds. */
  eventOverhead: seconds.nullable(),
  // From version 2 on; absent in records made before and by programs that cannot tell.
  /** A sample was one launch of a graph. */
  graph: z.boolean().optional(),
  /** Sets of addresses the runs went round. */
  rotation: z.int().positive().optional(),
  /** The timed runs saw more than one content at the same addresses. */
  freshContents: z.boolean().optional(),
  /** Cache lines that kernels asked to keep were made ordinary before each sample. */
  persistingReset: z.boolean().optional(),
  /** Median work found still running after a sample's end event, and after events around nothing; seconds. */
  unfinished: seconds.nullable().optional(),
  idle: seconds.nullable().optional(),
  /** All samples together by events over the same by the host's clock. */
  clockRatio: z.number().nullable().optional(),
});

/** Summary of the samples, seconds; `ci95` is a bootstrap interval of the median. */
export const statisticsSchema = z.strictObject({
  count: z.int().positive(),
  mean: seconds,
  std: seconds,
  min: seconds,
  max: seconds,
  median: seconds,
  p95: seconds,
  p99: seconds,
  mad: seconds,
  ci95: z.tuple([seconds, seconds]),
});

/** What the median means: bytes and operations a second, and the share of the roof above this case. */
export const ratesSchema = z.strictObject({
  bytesPerSecond: z.number().nullable(),
  flopsPerSecond: z.number().nullable(),
  roofline: z
    .strictObject({
      bound: z.literal(["memory", "compute"]),
      /** The least time physics allows, seconds. */
      floorSeconds: seconds,
      /** Floor over median, 1 at the roof. */
      share: z.number().nonnegative(),
      /** Where the roof comes from: "measured copy 4.18 TB/s". */
      source: z.string(),
    })
    .nullable(),
  /** The same a cycle of the median SM clock over the samples: what compares runs at different clocks. */
  perCycle: z
    .strictObject({ clockHz: z.number(), bytes: z.number().nullable(), flops: z.number().nullable() })
    .nullable()
    .optional(),
});

/** Whether the output was right. Errors are null where the output held NaN. */
export const checkSchema = z.strictObject({
  passed: z.boolean(),
  compared: z.int().nonnegative(),
  maxAbs: z.number().nullable(),
  meanAbs: z.number().nullable(),
  maxRel: z.number().nullable(),
  tolerance: z.string(),
  /** First mismatch with its coordinates, in words. */
  mismatch: z.string().nullable(),
  /** The output of the timed runs themselves was checked, not only that of an earlier run. */
  timedOutput: z.boolean(),
});

/** Whether the number may be believed, and why not. */
export const verdictSchema = z.strictObject({
  verdict: z.literal(["trusted", "ambiguous", "rejected"]),
  reasons: z.array(z.string()),
  /** The device held its clock back; then the rates a cycle say more than those a second. */
  throttled: z.boolean().optional(),
});

/** An input of the timed runs; `hash` is of its contents as the caller made them. */
export const inputSchema = z.strictObject({
  name: z.string(),
  dtype: z.string(),
  elements: z.int().nonnegative(),
  hash: z.string(),
  /** The runs left other contents than they found. */
  changed: z.boolean(),
  /** How a sample of the values is spread; null for whole numbers. */
  profile: z
    .strictObject({
      zeros: z.number(),
      distinct: z.int(),
      sampled: z.int(),
      kurtosis: z.number().nullable(),
    })
    .nullable(),
});

/** An output as the last timed run left it; it was poisoned before. */
export const outputSchema = z.strictObject({
  name: z.string(),
  dtype: z.string(),
  elements: z.int().nonnegative(),
  hash: z.string(),
  nan: z.int().nonnegative(),
  untouched: z.int().nonnegative(),
  zeros: z.int().nonnegative(),
});

/** What the compiled kernel takes of a multiprocessor. */
export const resourcesSchema = z.strictObject({
  registers: z.number().nullable(),
  staticShared: z.number().nullable(),
  dynamicShared: z.number().nullable(),
  spillBytes: z.number().nullable(),
  /** Active warps over the most a multiprocessor holds, 0..1. */
  occupancy: z.number().nullable(),
  grid: z.array(z.number()).nullable(),
  block: z.array(z.number()).nullable(),
});

/** Counters of one launch of the work, as `lab.counters` answers them, by the profiler's metric names. */
export const counterSchema = z.strictObject({
  kernel: z.string(),
  device: z.string(),
  metrics: z.record(z.string(), z.number()),
  units: z.record(z.string(), z.string()),
  /** Who counted: the hardware (absent means that, too), or the lens on the CPU device, which predicts. */
  source: z.literal(["ncu", "lens"]).optional(),
  /** Share of the launch's blocks that the lens traced, where not all: the metrics are scaled up from it. */
  traced: z.number().positive().max(1).optional(),
});

/** One reading of the device's sensors, `at` seconds after the run began. */
export const stateSchema = z.strictObject({
  at: seconds,
  smClockHz: z.number().nullable(),
  memoryClockHz: z.number().nullable(),
  temperatureC: z.number().nullable(),
  powerW: z.number().nullable(),
  powerLimitW: z.number().nullable(),
  throttleReasons: z.array(z.string()).nullable(),
});

/**
 * Samples, seconds. Checked in one loop: they are most of a file, and each as a schema of its own would take longer than
 * everything else about a record. jsonSchema.ts tells the published schema what they are.
 */
export const samplesSchema = z.custom<number[]>(
  (list) => Array.isArray(list) && list.length > 0 && list.every((x) => typeof x === "number" && x >= 0),
  "expected at least one time in seconds, none below 0",
);

/** One measurement as stored; the environment stands once in its document. */
export const recordSchema = z.strictObject({
  id: z.string().min(1),
  case: caseSchema,
  implementation: implementationSchema,
  method: methodSchema,
  samples: samplesSchema,
  statistics: statisticsSchema,
  /** Bytes that must move and operations that must happen, of one run. */
  bytes: z.number().nonnegative().nullable(),
  flops: z.number().nonnegative().nullable(),
  rates: ratesSchema,
  check: checkSchema.nullable(),
  memory: z.strictObject({ usedBytes: z.number(), peakBytes: z.number().nullable() }).nullable(),
  verdict: verdictSchema,
  resources: resourcesSchema.nullable(),
  state: z.array(stateSchema),
  notes: z.array(z.string()),
  inputs: z.array(inputSchema).optional(),
  outputs: z.array(outputSchema).optional(),
  /** Of every launch of one run, where somebody read them. */
  counters: z.array(counterSchema).optional(),
});

/** A case that could not be measured, or a point a sweep skipped, with the reason. */
export const failureSchema = z.strictObject({
  case: caseSchema,
  implementation: implementationSchema,
  kind: z.literal(["skipped", "failed"]),
  reason: z.string().min(1),
});

/** One run: many records of one device, written as one file. */
export const documentSchema = z.strictObject({
  kind: z.literal(documentKind),
  schemaVersion: z.literal(schemaVersion),
  id: z.string().min(1),
  suite: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  /** The program that wrote it: "kernel-lab" or "torch_baselines". */
  writer: z.string().min(1),
  environment: environmentSchema,
  records: z.array(recordSchema),
  failures: z.array(failureSchema),
  notes: z.array(z.string()),
  /** SHA-256 of the content as its writer left it, by `digestOf`; absent from writers that store none. */
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .optional(),
});

// Interfaces, so that a notebook's declarations name them instead of spelling zod's types out, which a cell may not
// be able to name.

/** The device, host and versions a run was measured with. */
export interface Environment extends z.infer<typeof environmentSchema> {}
/** What was computed. */
export interface Case extends z.infer<typeof caseSchema> {}
/** What computed it. */
export interface Implementation extends z.infer<typeof implementationSchema> {}
/** How it was timed. */
export interface Method extends z.infer<typeof methodSchema> {}
/** Summary of the samples, seconds. */
export interface Statistics extends z.infer<typeof statisticsSchema> {}
/** Rates a second and the share of the roof. */
export interface Rates extends z.infer<typeof ratesSchema> {}
/** Whether the output was right. */
export interface CheckRecord extends z.infer<typeof checkSchema> {}
/** Whether the number may be believed, with reasons. */
export interface Verdict extends z.infer<typeof verdictSchema> {}
/** An input of the timed runs. */
export interface InputRecord extends z.infer<typeof inputSchema> {}
/** An output as the last timed run left it. */
export interface OutputRecord extends z.infer<typeof outputSchema> {}
/** What a kernel takes of a multiprocessor. */
export interface Resources extends z.infer<typeof resourcesSchema> {}
/** Counters of one launch. */
export interface CounterRecord extends z.infer<typeof counterSchema> {}
/** One reading of the device's sensors. */
export interface StateReading extends z.infer<typeof stateSchema> {}
/** A measurement as a file keeps it, without its environment. */
export interface StoredRecord extends z.infer<typeof recordSchema> {}
/** A case that was skipped or failed, with the reason. */
export interface Failure extends z.infer<typeof failureSchema> {}
/** One run: a file under results/. */
export interface RunDocument extends z.infer<typeof documentSchema> {}

/** A measurement with the environment it was made in: what `lab.measure` answers and plots and tables take. */
export type MeasureRecord = StoredRecord & { environment: Environment };
