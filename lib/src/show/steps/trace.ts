/**
 * What `lab.step` records: blocks of a launch, warp by warp and statement by statement.
 *
 * Steps, requests and changes are tuples, because a page carries tens of thousands of them.
 */
export interface StepTrace {
  readonly kernel: string;
  readonly fileName: string;
  /** The text whose lines the steps name. */
  readonly source: string;
  readonly grid: readonly [number, number, number];
  readonly block: readonly [number, number, number];
  /** Tensors, module variables and shared arrays that the requests touch. */
  readonly targets: readonly StepTarget[];
  readonly locals: readonly StepLocal[];
  readonly blocks: readonly StepBlock[];
}

/** Memory that has a name. */
export interface StepTarget {
  readonly name: string;
  readonly space: "global" | "shared";
  /** "f32"; of shared memory that no declaration names "u32". */
  readonly dtype: string;
  readonly elementBytes: number;
  /** Extents in elements, the slowest first. */
  readonly shape: readonly number[];
}

/** A named local or parameter. */
export interface StepLocal {
  readonly name: string;
  readonly dtype: string;
  /** Line of its declaration. */
  readonly line: number;
  /** Extents of an array; of arrays only each warp's first lane is recorded. */
  readonly shape: readonly number[];
}

/** One recorded block. */
export interface StepBlock {
  readonly index: readonly [number, number, number];
  /** Ticks in all: in a tick every warp that can takes one step. */
  readonly ticks: number;
  /** The first tick after each barrier of the whole block. */
  readonly barriers: readonly number[];
  /** Each warp's steps in order of their ticks. */
  readonly warps: ReadonlyArray<readonly Step[]>;
}

/** Bits of a step's flags. */
export const StepFlags = { meetsWarp: 1, meetsBlock: 2 } as const;

/** A statement run by the lanes of `mask` together; `count` times in a row where nothing tells the times apart. */
export type Step = readonly [
  line: number,
  tick: number,
  mask: number,
  count: number,
  flags: number,
  requests: readonly StepRequest[],
  changes: readonly StepChange[],
];

/** What an access does to its memory. */
export const RequestKind = { load: 0, store: 1, atomic: 2 } as const;

/**
 * An access by the lanes of `mask`: each `bytes` long, at `offset + i * stride` bytes for the i-th of them, or at the
 * offsets listed. Values, element by element and lane by lane, only where shared memory is written; of atomics also the
 * order in which they were done, lane by lane.
 */
export type StepRequest = readonly [
  kind: number,
  target: number,
  bytes: number,
  mask: number,
  offset: number | readonly number[],
  stride: number,
  values?: readonly StepValue[],
  order?: readonly number[],
];

/** A number, or a text: "NaN", or of a pointer where it points. */
export type StepValue = number | string;

/** New value of a local's element: one for all lanes of the mask, or one each; null when its scope has ended. */
export type StepChange = readonly [
  local: number,
  element: number,
  mask: number,
  value: StepValue | null | readonly StepValue[],
];
