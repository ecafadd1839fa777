import type { TensorMapCommand } from "./commands";
import type { DeviceKind, Dim3 } from "./contract";

/** File of a replay folder that holds the `Replay`. */
export const replayFile = "replay.json";
/** File that the replaying process leaves behind when something fails, a `ReplayFailure`. */
export const failureFile = "failure.json";

/** A compiled module beside the description, and the entries wanted from it. */
export interface ReplayModule {
  readonly file: string;
  readonly entries: ReadonlyArray<{ readonly name: string; readonly symbol: string }>;
}

/** Device memory and the file of what it held; a module's variable where `variable` names one. */
export interface ReplayBuffer {
  /** Null where the contents were left out: whoever repeats the launches brings memory of this `name`. */
  readonly file: string | null;
  readonly name: string | null;
  readonly bytes: number;
  readonly variable: { readonly module: number; readonly name: string } | null;
}

/** A tensor map; `buffer` is an index of the replay's buffers. */
export type ReplayMap = Omit<TensorMapCommand, "map">;

/** One launch; places of addresses are indices of the replay's buffers and maps. */
export interface ReplayLaunch {
  readonly module: number;
  readonly entry: number;
  readonly grid: Dim3;
  readonly block: Dim3;
  readonly cluster: Dim3 | null;
  readonly dynamicShared: number;
  readonly flags: number;
  /** The packed argument block in base64. */
  readonly args: string;
  readonly patches: readonly {
    readonly offset: number;
    readonly kind: "buffer" | "tensorMap";
    readonly index: number;
    readonly delta: number;
  }[];
}

/** Launches that another process can repeat: their modules, memory and arguments. */
export interface Replay {
  readonly kind: DeviceKind;
  readonly modules: readonly ReplayModule[];
  readonly buffers: readonly ReplayBuffer[];
  readonly maps: readonly ReplayMap[];
  readonly launches: readonly ReplayLaunch[];
}

/** What a replay failed by. */
export interface ReplayFailure {
  readonly code: string;
  readonly what: string;
  readonly advice: string;
}
