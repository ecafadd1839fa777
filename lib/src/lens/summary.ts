import { addInto } from "./ncuNames";
import { flopsOf, type Operations } from "./operations";
import type { LensLine, LensRequests, LensSummary } from "./report";

/** Every metric of the lines, added up by name. */
export function totalsOf(lines: readonly LensLine[]): Record<string, number> {
  const totals: Record<string, number> = {};
  for (const line of lines) addInto(totals, line.metrics);
  return totals;
}

const sectorBytes = 32;

/** The numbers of a launch that everybody asks for first. */
export function summaryOf(lines: readonly LensLine[], tensor: Readonly<Record<string, number>>): LensSummary {
  const requests = lines.flatMap((line) => line.requests);
  const global = requests.filter(({ space }) => space === "global");
  const shared = requests.filter(({ space }) => space === "shared");
  const operations: Operations = {};
  for (const line of lines) addInto(operations, line.operations);
  const flops = flopsOf(operations);
  const bulk = lines.flatMap((line) => line.bulk);
  const moved = sum(global, ({ cost }) => cost) + sum(bulk, ({ sectors }) => sectors);
  const ideal =
    sum(global, ({ cost, ideal: fewest }) => Math.min(cost, fewest)) +
    sum(bulk, ({ sectors, ideal: fewest }) => Math.min(sectors, fewest));
  const all = flops.fp16 + flops.fp32 + flops.fp64 + Object.values(tensor).reduce((a, b) => a + b, 0);
  return {
    bytesAsked: sum(global, ({ bytes }) => bytes) + sum(bulk, ({ bytes }) => bytes),
    bytesMoved: moved * sectorBytes,
    coalescing: moved > 0 ? ideal / moved : null,
    sharedWavefronts: sum(shared, ({ cost }) => cost),
    wgmmaWavefronts: sum(
      lines.flatMap((line) => line.products),
      ({ wavefronts }) => wavefronts,
    ),
    bankConflicts: sum(shared, ({ cost, ideal: fewest }) => cost - fewest),
    branches: sum(lines, ({ branches }) => branches.executed),
    divergentBranches: sum(lines, ({ branches }) => branches.divergent),
    flops,
    tensor,
    intensity: moved > 0 ? all / (moved * sectorBytes) : null,
  };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** What several instructions of one kind and memory asked together. */
export function together(requests: readonly LensRequests[]): {
  requests: number;
  cost: number;
  ideal: number;
} {
  return {
    requests: sum(requests, (one) => one.requests),
    cost: sum(requests, (one) => one.cost),
    ideal: sum(requests, (one) => one.ideal),
  };
}
