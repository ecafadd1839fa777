import type { RawAccess } from "./metrics";
import type { AccessKind, Exemplar, LensRequests, MemorySpace } from "./report";
import type { TracedLaunch, TracedRange } from "./trace";

/** One instruction's requests as the report has them; `line` is the source line that they are of. */
export function readRequests(raw: RawAccess, line: string, launch: TracedLaunch): LensRequests {
  const space = spaceOf(raw, launch);
  return {
    kind: kindOf(raw, line),
    space,
    width: raw.width,
    requests: raw.requests,
    activeLanes: raw.lanes / raw.requests,
    bytes: raw.bytes,
    cost: raw.cost,
    ideal: raw.ideal,
    leastCost: raw.least,
    mostCost: raw.most,
    exemplar: exemplarOf(raw, space, launch),
  };
}

function kindOf(raw: RawAccess, line: string): AccessKind {
  switch (raw.op) {
    case "atom":
      // The compiler drops the answer of an atomic that nobody uses: a reduction, which returns nothing.
      return /(?:^|[;{})])\s*(?:\w+::)*atomic\w*\s*\(/.test(line.replace(/\/\/.*$/, "")) ? "red" : "atom";
    case "atomic_ld":
      return "ld";
    case "atomic_st":
      return "st";
    case "ldgsts_ld":
    case "ldgsts_st":
      return "ldgsts";
    default:
      return raw.op;
  }
}

/** A `__device__` variable lies in global memory; a `__constant__` one is read past the load and store units. */
function spaceOf(raw: RawAccess, launch: TracedLaunch): MemorySpace {
  if (raw.space !== "module") return raw.space;
  const range = rangeOf(firstAddress(raw), launch.trace.allocations);
  const constant = new RegExp(`\\b__constant__\\b[^;{}()]*\\b${range?.name.replace(/^.*::/, "")}\\b`);
  return constant.test(launch.kernel.module.source) ? "module" : "global";
}

function firstAddress(raw: RawAccess): number {
  return raw.worst.addresses.find((address) => address !== null) ?? 0;
}

function rangeOf(address: number, ranges: readonly TracedRange[]): TracedRange | undefined {
  return ranges.find(({ base, bytes }) => address >= base && address < base + bytes);
}

function exemplarOf(raw: RawAccess, space: MemorySpace, launch: TracedLaunch): Exemplar {
  const { block, warp, cost, ideal, addresses } = raw.worst;
  const ranges = space === "shared" || space === "dshared" ? launch.trace.shared : launch.trace.allocations;
  const range = rangeOf(firstAddress(raw), ranges);
  const offsets = addresses.map((address) => (address === null ? null : address - (range?.base ?? 0)));
  return { block, warp, memory: nameOf(range, space, launch), offsets, cost, ideal };
}

/** A variable's own name, or the parameter that points into the range. */
function nameOf(range: TracedRange | undefined, space: MemorySpace, launch: TracedLaunch): string {
  if (!range) return "";
  if (range.name) return range.name;
  if (space === "shared" || space === "dshared") return "shared";
  const packed = Buffer.from(launch.trace.arguments, "hex");
  for (const { type, offset, name } of launch.kernel.signature.params) {
    if (type.kind !== "pointer" || offset + 8 > packed.length) continue;
    const address = Number(packed.readBigUInt64LE(offset));
    if (address >= range.base && address < range.base + Math.max(range.bytes, 1)) return name;
  }
  return "";
}
