import { type DType, decode, dtypes } from "../core/dtype";
import type { SourceLine } from "../core/error";
import type { Hazard, HazardKind } from "./hazard";
import { hazardAdvice, hazardMessage } from "./hazardText";
import { type LaunchMemory, memoryPlace } from "./memoryNames";

/** What the observer "hazards" answers (native/simt/lens/hazards.cc). */
export interface RawHazards {
  readonly hazards: readonly RawHazard[];
  readonly omitted: number;
  readonly shadowBytes: number;
}

/** One entry of it. */
export interface RawHazard {
  readonly kind: HazardKind;
  readonly count: number;
  readonly sameValue: number;
  readonly acts: readonly {
    readonly pc: number;
    readonly does: string;
    readonly threads: number;
    readonly block: readonly [number, number, number];
    readonly thread: readonly [number, number, number];
  }[];
  readonly space: Hazard["space"];
  readonly address: number;
  readonly bytes: number;
  readonly number: number;
  readonly base?: number;
  readonly extent?: number;
  readonly before?: string;
  readonly after?: string;
}

/** Addresses of raw hazards, whose lines `readHazards` needs: the calls, of which a trace tells where they return to. */
export function hazardAddresses(raw: RawHazards): number[] {
  return raw.hazards.flatMap((one) => one.acts.map((act) => act.pc - 1));
}

/** Where an address of code is in the source: the innermost line of the kernel's own text, and the lines around it. */
export interface PcLines {
  readonly line: SourceLine | null;
  /** Tells two calls of one inlined function apart: every line of the inlined chain. */
  readonly chain: string;
}

/** Names lines and memory, drops what one line only seems to do at several places, and joins what is at one line. */
export function readHazards(
  raw: RawHazards,
  memory: LaunchMemory,
  lines: (address: number) => PcLines,
): Hazard[] {
  const joined = new Map<string, Hazard>();
  for (const one of raw.hazards) {
    const at = one.acts.map((act) => lines(act.pc - 1));
    // The compiler may have copied one barrier of the source to two places.
    if (one.kind === "divergent-barrier" && at[0]!.chain === at[1]!.chain) continue;
    const hazard = readHazard(one, memory, at);
    const key = JSON.stringify([
      hazard.kind,
      hazard.level,
      hazard.acts.map((act) => [act.does, act.line]),
      hazard.memory?.name,
    ]);
    const known = joined.get(key);
    joined.set(key, known ? { ...known, count: known.count + hazard.count } : hazard);
  }
  return [...joined.values()];
}

function readHazard(one: RawHazard, memory: LaunchMemory, at: readonly PcLines[]): Hazard {
  const range = one.base ? { base: one.base, bytes: one.extent! } : undefined;
  const place = one.bytes > 0 ? memoryPlace(memory, one.space, one.address, range) : null;
  const harmless = one.kind === "exited-at-barrier" || (one.kind === "race" && one.sameValue === one.count);
  const facts = {
    kind: one.kind,
    level: harmless ? ("note" as const) : ("error" as const),
    count: one.count,
    acts: one.acts.map(({ pc, ...act }, i) => ({ ...act, line: at[i]!.line })),
    space: one.space,
    memory: place,
    address: one.address,
    bytes: one.bytes,
    before: valueText(one.before, place?.dtype ?? null),
    after: valueText(one.after, place?.dtype ?? null),
    number: one.number,
  };
  return { ...facts, message: hazardMessage(facts), advice: hazardAdvice(facts) };
}

/** Bytes as the elements they are: "1.5", "(1, 2, 3, 4)"; "0x0000c03f" where their type is not known. */
function valueText(hex: string | undefined, dtype: DType | null): string | null {
  if (!hex) return null;
  const bytes = Uint8Array.from(hex.match(/../g)!, (pair) => Number.parseInt(pair, 16));
  if (!dtype || bytes.length % dtypes[dtype].bytes !== 0) return `0x${hex}`;
  const values = Array.from(decode(bytes, dtype) as ArrayLike<number | bigint>, String);
  return values.length === 1 ? values[0]! : `(${values.join(", ")})`;
}
