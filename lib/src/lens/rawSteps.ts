import type {
  StepBlock,
  StepChange,
  StepLocal,
  StepRequest,
  StepTarget,
  StepTrace,
  StepValue,
} from "../show/steps/trace";

/** A variable as the observer tells of it (native/simt/lens/steps_json.h). */
export interface RawVariable {
  readonly name: string;
  readonly type: string;
  readonly key: number;
  readonly elementBytes: number;
  readonly extents: readonly number[];
}

type RawRequest = readonly [
  kind: number,
  target: number,
  bytes: number,
  mask: number,
  offset: number | readonly number[],
  stride: number,
  values?: readonly StepValue[],
  order?: readonly number[],
];

type RawStep = readonly [
  key: number,
  phase: number,
  mask: number,
  count: number,
  flags: number,
  requests: readonly RawRequest[],
  changes: readonly StepChange[],
];

/** What the observer "steps" answers; the layout is told in native/simt/lens/steps_json.h. */
export interface RawSteps {
  readonly tooLarge: boolean;
  readonly allocations: ReadonlyArray<{
    readonly base: number;
    readonly bytes: number;
    readonly name: string;
  }>;
  readonly locals: readonly RawVariable[];
  readonly shared: readonly RawVariable[];
  readonly blocks: ReadonlyArray<{
    readonly block: number;
    readonly warps: ReadonlyArray<readonly RawStep[]>;
  }>;
}

/** What a tensor's memory is called and looks like, by the index of its allocation. */
export type TargetNames = ReadonlyMap<number, Omit<StepTarget, "space">>;

/** Columns of a step's key: see backend/simt/steps.ts. */
const keyColumns = 1024;

const dtypes: Readonly<Record<string, string>> = {
  f: "f32",
  d: "f64",
  h: "f16",
  n: "bf16",
  b: "bool",
  p: "pointer",
};

const dtypeOf = ({ type, elementBytes }: RawVariable): string => dtypes[type] ?? `${type}${elementBytes * 8}`;

/** Makes a trace of raw steps: memory named, lines for keys, and a tick for every step. */
export function readSteps(
  raw: RawSteps,
  about: Pick<StepTrace, "kernel" | "fileName" | "source" | "grid" | "block">,
  names: TargetNames,
): StepTrace {
  const targets = new Targets(raw, names);
  const pointers = raw.locals.map(({ type }) => type === "p");
  const change = (one: StepChange): StepChange => {
    if (!pointers[one[0]] || one[3] === null) return one;
    const value = one[3] as StepValue | readonly StepValue[];
    const named = Array.isArray(value)
      ? value.map((v) => targets.pointer(v as string))
      : targets.pointer(value as string);
    return [one[0], one[1], one[2], named];
  };
  const blocks = raw.blocks.map(({ block, warps }): StepBlock => {
    const starts = phaseStarts(warps);
    return {
      index: coordinates(block, about.grid),
      ticks: starts.at(-1)!,
      barriers: starts.slice(1, -1),
      warps: warps.map((steps) => {
        const taken: number[] = [];
        return steps.map(([key, phase, mask, count, flags, requests, changes]) => {
          const at = taken[phase] ?? 0;
          taken[phase] = at + 1;
          const line = Math.floor(key / keyColumns);
          return [
            line,
            starts[phase]! + at,
            mask,
            count,
            flags,
            requests.map((r) => targets.request(r)),
            changes.map(change),
          ] as const;
        });
      }),
    };
  });
  const locals = raw.locals.map(
    (one): StepLocal => ({
      name: one.name,
      dtype: dtypeOf(one),
      line: Math.floor(one.key / keyColumns),
      shape: one.extents,
    }),
  );
  return { ...about, targets: targets.list, locals, blocks };
}

/** First tick of every phase, and the end: warps go through a phase side by side, and wait for the slowest. */
function phaseStarts(warps: ReadonlyArray<readonly RawStep[]>): number[] {
  const longest: number[] = [];
  for (const steps of warps) {
    const lengths: number[] = [];
    for (const [, phase] of steps) lengths[phase] = (lengths[phase] ?? 0) + 1;
    lengths.forEach((length, phase) => {
      longest[phase] = Math.max(longest[phase] ?? 0, length);
    });
  }
  const starts = [0];
  for (let phase = 0; phase < longest.length; phase++) starts.push(starts[phase]! + (longest[phase] ?? 0));
  return starts;
}

/** The memory that requests touch, numbered as it is met. */
class Targets {
  readonly list: StepTarget[] = [];
  readonly #known = new Map<number, number>();

  constructor(
    readonly raw: RawSteps,
    readonly names: TargetNames,
  ) {
    // Shared arrays first and in the order of the source: that is how they are looked for.
    for (const index of raw.shared.keys()) this.#index(-1 - index);
  }

  request(request: RawRequest): StepRequest {
    const [kind, target, ...rest] = request;
    return [kind, this.#index(target), ...rest];
  }

  /** "2:64" names an allocation and a byte in it. */
  pointer(told: string): string {
    const match = /^(\d+):(\d+)$/.exec(told);
    if (!match) return told;
    const { name, elementBytes } = this.#allocation(Number(match[1]));
    const element = Number(match[2]) / elementBytes;
    return element === 0 ? name : `${name} + ${Number.isInteger(element) ? element : `${match[2]} B`}`;
  }

  #index(raw: number): number {
    const known = this.#known.get(raw);
    if (known !== undefined) return known;
    this.#known.set(raw, this.list.length);
    this.list.push(raw < 0 ? this.#shared(-1 - raw) : { space: "global", ...this.#allocation(raw) });
    return this.list.length - 1;
  }

  #shared(index: number): StepTarget {
    const one = this.raw.shared[index]!;
    const { name, elementBytes, extents } = one;
    return { name, space: "shared", dtype: dtypeOf(one), elementBytes, shape: extents };
  }

  #allocation(index: number): Omit<StepTarget, "space"> {
    const { bytes, name } = this.raw.allocations[index]!;
    const named = this.names.get(index);
    return (
      named ?? {
        name: name || `memory ${index}`,
        dtype: "u32",
        elementBytes: 4,
        shape: [Math.ceil(bytes / 4)],
      }
    );
  }
}

/** A linear index as coordinates of the grid, x first. */
function coordinates(
  index: number,
  [x, y]: readonly [number, number, number],
): readonly [number, number, number] {
  return [index % x, Math.floor(index / x) % y, Math.floor(index / (x * y))];
}
