import { disassemble } from "./binutils";
import { type CodeBlock, codeBlocks } from "./codeBlocks";
import {
  addBulk,
  addProduct,
  bulkMetrics,
  productMetrics,
  type RawBulk,
  type RawProduct,
} from "./hopperUnits";
import { accessMetrics, addInto, arithmeticMetrics, branchMetrics } from "./ncuNames";
import { asWritten, type Operations } from "./operations";
import { Places } from "./places";
import type { LensBulk, LensLine, LensProduct, LensRequests } from "./report";
import { readRequests } from "./requests";
import type { TracedLaunch } from "./trace";

/** One instruction's accesses, as native/simt/lens/metrics.cc counts them. */
export interface RawAccess {
  readonly op: "ld" | "st" | "atom" | "atomic_ld" | "atomic_st" | "ldsm" | "ldgsts_ld" | "ldgsts_st";
  readonly space: "global" | "shared" | "dshared" | "module" | "unknown";
  readonly pc: number;
  /** Where the calls were made that led there, the innermost first. */
  readonly calls: readonly number[];
  readonly width: number;
  readonly requests: number;
  readonly lanes: number;
  readonly bytes: number;
  readonly cost: number;
  readonly ideal: number;
  readonly least: number;
  readonly most: number;
  readonly worst: {
    readonly block: number;
    readonly warp: number;
    readonly mask: number;
    readonly cost: number;
    readonly ideal: number;
    readonly addresses: ReadonlyArray<number | null>;
  };
}

interface RawSite {
  readonly pc: number;
  readonly calls: readonly number[];
}

/** What the metrics observer answers. */
export interface RawMetrics {
  readonly accesses: readonly RawAccess[];
  readonly blocks: ReadonlyArray<RawSite & { warps: number; threads: number; splits: number }>;
  readonly barriers: ReadonlyArray<RawSite & { warps: number; threads: number }>;
  readonly warpMeetings: ReadonlyArray<RawSite & { warps: number; threads: number }>;
  readonly bulk: readonly RawBulk[];
  readonly wgmma: readonly RawProduct[];
}

/** The metrics of a traced launch, line by line, and tensor-core operations by the type multiplied. */
export interface LineMetrics {
  readonly lines: LensLine[];
  readonly tensor: Readonly<Record<string, number>>;
  readonly places: Places;
}

interface Building {
  requests: LensRequests[];
  bulk: LensBulk[];
  products: LensProduct[];
  operations: Operations;
  branches: { executed: number; divergent: number };
  barriers: { warps: number; threads: number };
  tensor: Record<string, number>;
}

/** Gives every count of the metrics observer its line. `fileName` and `source` are the kernel's. */
export async function lineMetrics(
  launch: TracedLaunch,
  fileName: string,
  source: string,
): Promise<LineMetrics> {
  const raw = launch.trace.observers.metrics as RawMetrics;
  const code = codeBlocks(await disassemble(launch.module));
  const places = await Places.of(launch.module, fileName, addresses(raw, code));
  const texts = source.split("\n");
  const building = new Map<number, Building>();
  const at = (address: number, calls: readonly number[]): Building => {
    const line = places.line(address, calls);
    let found = building.get(line);
    if (!found) {
      found = {
        requests: [],
        bulk: [],
        products: [],
        operations: {},
        branches: { executed: 0, divergent: 0 },
        barriers: { warps: 0, threads: 0 },
        tensor: {},
      };
      building.set(line, found);
    }
    return found;
  };
  for (const access of raw.accesses) {
    const line = places.line(access.pc - 1, access.calls);
    at(access.pc - 1, access.calls).requests.push(readRequests(access, texts[line - 1] ?? "", launch));
  }
  for (const one of raw.bulk) addBulk(at(one.pc - 1, one.calls).bulk, one);
  for (const one of raw.wgmma) addProduct(at(one.pc - 1, one.calls).products, one);
  for (const barrier of raw.barriers)
    addInto(at(barrier.pc - 1, barrier.calls).barriers, { warps: barrier.warps, threads: barrier.threads });
  for (const block of raw.blocks) countBlock(block, code.get(block.pc), places, at, texts);
  const tensor: Record<string, number> = {};
  for (const one of building.values()) {
    addInto(tensor, one.tensor);
    for (const { source, operations } of one.products) addInto(tensor, { [source]: operations });
  }
  const lines = [...building.entries()]
    .filter(([line, one]) => (line > 0 ? didSomething(one) : touchedOrComputed(one)))
    .sort(([a], [b]) => a - b)
    .map(([line, one]) => finish(line, texts[line - 1] ?? "", one));
  return { lines, tensor, places };
}

function addresses(raw: RawMetrics, code: ReadonlyMap<number, CodeBlock>): number[] {
  const blocks = raw.blocks.flatMap(({ pc }) => code.get(pc) ?? []);
  const told = [...raw.accesses, ...raw.barriers, ...raw.bulk, ...raw.wgmma];
  return [
    ...told.map(({ pc }) => pc - 1),
    ...[...told, ...raw.blocks].flatMap(({ calls }) => calls.map((pc) => pc - 1)),
    ...blocks.flatMap(({ branch }) => branch ?? []),
    ...blocks.flatMap(({ counted }) => counted.map(({ address }) => address)),
  ];
}

function countBlock(
  block: RawMetrics["blocks"][number],
  code: CodeBlock | undefined,
  places: Places,
  at: (address: number, calls: readonly number[]) => Building,
  texts: readonly string[],
): void {
  // A compiler may leave the inside of an operation that is counted by its calls to functions of its own.
  if (!code || block.calls.some((pc) => places.inOperation(pc - 1))) return;
  for (const { address, operations, tensor } of code.counted) {
    // Inside an operation that is counted by its calls.
    const line = places.line(address, block.calls);
    if (line === 0 && places.inMachinery(address)) continue;
    addInto(at(address, block.calls).operations, asWritten(operations, texts[line - 1] ?? ""), block.threads);
    if (tensor)
      addInto(at(address, block.calls).tensor, { [tensor.source]: tensor.operations }, block.threads / 32);
  }
  if (code.branch === null || places.inMachinery(code.branch)) return;
  addInto(at(code.branch, block.calls).branches, { executed: block.warps, divergent: block.splits });
}

function didSomething(one: Building): boolean {
  return touchedOrComputed(one) || one.branches.executed > 0 || one.barriers.warps > 0;
}

function touchedOrComputed(one: Building): boolean {
  const { requests, bulk, products, operations } = one;
  return requests.length + bulk.length + products.length + Object.keys(operations).length > 0;
}

function finish(line: number, text: string, one: Building): LensLine {
  const { requests, bulk, products, operations, branches, barriers } = one;
  const metrics: Record<string, number> = {};
  for (const access of requests) addInto(metrics, accessMetrics(access));
  for (const copy of bulk) addInto(metrics, bulkMetrics(copy));
  for (const product of products) addInto(metrics, productMetrics(product));
  addInto(metrics, arithmeticMetrics(operations));
  addInto(metrics, branchMetrics(branches.executed, branches.divergent));
  return { line, text, requests, bulk, products, operations, branches, barriers, metrics };
}
