import { RequestKind, type StepRequest } from "../trace";
import { lanesOf, offsetsOf } from "./model";

const verbs = { [RequestKind.load]: "loads", [RequestKind.store]: "stores", [RequestKind.atomic]: "updates" };

/** Bytes a request asks for, and the 32-byte sectors it moves: "loads 128 B in 4 sectors, the fewest there can be". */
export function globalCost(request: StepRequest): string {
  const asked = new Set<number>();
  const sectors = new Set<number>();
  for (const offset of offsetsOf(request)) {
    for (let byte = offset; byte < offset + request[2]; byte++) {
      asked.add(byte);
      sectors.add(Math.floor(byte / 32));
    }
  }
  const ideal = Math.ceil(asked.size / 32);
  const judged =
    sectors.size === ideal
      ? "the fewest there can be"
      : `${ideal} would do: ${Math.round((100 * asked.size) / (sectors.size * 32))}% of what moves is asked for`;
  return `${verbs[request[0] as 0 | 1 | 2]} ${asked.size} B in ${count(sectors.size, "sector")}, ${judged}`;
}

/**
 * Passes that a request to shared memory takes: a bank serves one 4-byte word at a time, all its lanes at once.
 *
 * Accesses of 8 and 16 bytes are served for half and quarter warps.
 */
export function wavefronts(request: StepRequest): { passes: number; ideal: number } {
  const lanes = lanesOf(request[3]);
  const offsets = offsetsOf(request);
  const groups = request[2] >= 16 ? 4 : request[2] >= 8 ? 2 : 1;
  let passes = 0;
  let ideal = 0;
  for (let group = 0; group < groups; group++) {
    const banks = new Map<number, Set<number>>();
    lanes.forEach((lane, i) => {
      if (Math.floor((lane * groups) / 32) !== group) return;
      for (let byte = offsets[i]! & ~3; byte < offsets[i]! + request[2]; byte += 4) {
        const bank = (byte / 4) % 32;
        banks.set(bank, (banks.get(bank) ?? new Set()).add(byte));
      }
    });
    if (banks.size === 0) continue;
    passes += Math.max(...[...banks.values()].map((words) => words.size));
    ideal += 1;
  }
  return { passes, ideal };
}

/** What a request to shared memory costs: "stores in 1 pass, no bank conflict". */
export function sharedCost(request: StepRequest): string {
  const { passes, ideal } = wavefronts(request);
  const verb = verbs[request[0] as 0 | 1 | 2];
  return passes === ideal
    ? `${verb} in ${count(passes, "pass", "passes")}, no bank conflict`
    : `${verb} in ${count(passes, "pass", "passes")} where ${ideal} would do: lanes want different words of one bank`;
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
