import type { SourceLine } from "../core/error";
import type { MemoryPlace } from "./memoryNames";

/** What can be wrong. */
export type HazardKind =
  | "race"
  | "out-of-bounds"
  | "use-after-free"
  | "misaligned"
  | "uninitialised"
  | "divergent-barrier"
  | "exited-at-barrier"
  | "inactive-shuffle"
  | "overflow"
  | "bad-index"
  | "deadlock"
  | "time-limit";

/** One thread's part in a hazard. */
export interface HazardAct {
  /** "read", "write", "atomic update", "asynchronous write", "barrier" ... */
  readonly does: string;
  /** Threads that do the same at the same place; the rest tells of the first of them. More than one of a deadlock only. */
  readonly threads: number;
  readonly block: readonly [number, number, number];
  readonly thread: readonly [number, number, number];
  /** Null where the compiler left no line. */
  readonly line: SourceLine | null;
}

/** Something wrong with a launch, at one pair of source lines. */
export interface Hazard {
  readonly kind: HazardKind;
  /** A note is no mistake by itself: all racing writes wrote one value, or threads had exited before a barrier. */
  readonly level: "error" | "note";
  /** How often it was seen; the rest tells of the first time. */
  readonly count: number;
  /** Two of a race, the earlier first. */
  readonly acts: readonly HazardAct[];
  readonly space: "global" | "shared" | "module" | "unknown";
  readonly memory: MemoryPlace | null;
  /** Address and size of the access; 0 bytes where the hazard is not about memory. */
  readonly address: number;
  readonly bytes: number;
  /** What lay there before the last act, and what that read or wrote, in the element's type where it is known. */
  readonly before: string | null;
  readonly after: string | null;
  /** The index of "bad-index", the lane of "inactive-shuffle", the alignment of "misaligned", threads that had exited. */
  readonly number: number;
  readonly message: string;
  readonly advice: string;
}
