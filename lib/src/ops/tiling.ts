import type { DeviceInfo } from "../backend/contract";
import type { Parameters } from "./variant";

/** Kernels that share the tile parameters BM, BN, BK, TM, TN. */
export type TiledRung = "04_register" | "05_vector" | "06_pipelined";

/** What a tile takes of a multiprocessor, known before anything is compiled. */
export interface TileCost {
  readonly threads: number;
  /** Static and dynamic shared memory of a block, bytes. */
  readonly sharedBytes: number;
  /** Registers a thread needs at least: its accumulators and fragments. */
  readonly registers: number;
  /** Shared-memory loads (in floats) an FMA: (TM + TN) / (TM x TN). */
  readonly loadsPerFma: number;
}

/** Numbers of a tile configuration, with their names checked. */
function tileOf(p: Parameters): Record<"BM" | "BN" | "BK" | "TM" | "TN" | "STAGES", number> {
  const number = (name: string, fallback?: number) => Number(p[name] ?? fallback ?? Number.NaN);
  return {
    BM: number("BM"),
    BN: number("BN"),
    BK: number("BK"),
    TM: number("TM"),
    TN: number("TN"),
    STAGES: number("STAGES", 1),
  };
}

/**
 * Threads, shared memory and registers that a tile configuration takes.
 *
 * @example lab.tileCost("05_vector", { BM: 128, BN: 128, BK: 8, TM: 8, TN: 8 }).threads // 256
 */
export function tileCost(rung: TiledRung, p: Parameters): TileCost {
  const { BM, BN, BK, TM, TN, STAGES } = tileOf(p);
  const pad = rung === "04_register" ? 0 : 4;
  const fragments = rung === "06_pipelined" ? 2 * (TM + TN) : TM + TN;
  return {
    threads: (BM / TM) * (BN / TN),
    sharedBytes: 4 * BK * (BM + pad + BN) * (rung === "06_pipelined" ? STAGES : 1),
    registers: TM * TN + fragments,
    loadsPerFma: (TM + TN) / (TM * TN),
  };
}

/** Null when the configuration is valid for the kernel and the device, else the rule it breaks. */
export function tileNeeds(rung: TiledRung, info: DeviceInfo, p: Parameters, n: number): string | null {
  const { BM, BN, BK, TM, TN, STAGES } = tileOf(p);
  for (const [name, value] of Object.entries({ BM, BN, BK, TM, TN, STAGES })) {
    if (!Number.isInteger(value) || value < 1) return `${name} is ${value}, expected a whole number from 1`;
  }
  if (BM % TM !== 0) return `BM ${BM} is no multiple of TM ${TM}`;
  if (BN % TN !== 0) return `BN ${BN} is no multiple of TN ${TN}`;
  const { threads, sharedBytes, registers } = tileCost(rung, p);
  if (threads > info.maxThreadsPerBlock)
    return `${threads} threads, a block has at most ${info.maxThreadsPerBlock}`;
  if (threads % 32 !== 0) return `${threads} threads are no whole number of warps`;
  if (registers > 240) return `${registers} accumulators and fragments do not fit in 255 registers`;
  // The CPU device has no register file to fill and says 0.
  if (info.registersPerBlock > 0 && registers * threads > info.registersPerBlock) {
    return `${registers * threads} registers, a block has ${info.registersPerBlock}`;
  }
  const room = rung === "06_pipelined" ? info.sharedPerBlockOptin : info.sharedPerBlock;
  if (sharedBytes > room) return `${sharedBytes} bytes of shared memory, there are ${room}`;
  if (rung === "04_register") return null;
  if (TM % 4 !== 0 || TN % 4 !== 0) return `TM ${TM} and TN ${TN} must be multiples of 4 for 16-byte loads`;
  if (BK % 4 !== 0) return `BK ${BK} is no multiple of 4`;
  if (rung === "05_vector") return null;

  if (BM % (4 * TM) !== 0) return `BM ${BM} is no multiple of a warp's 4 x TM rows`;
  if (BN % (8 * TN) !== 0) return `BN ${BN} is no multiple of a warp's 8 x TN columns`;
  if (STAGES < 2) return `STAGES is ${STAGES}, a pipeline has at least 2`;
  if (threads % BK !== 0) return `${threads} threads are no multiple of BK ${BK}`;
  if ((BM * BK) % threads !== 0) return `${BM} x ${BK} elements of A do not divide among ${threads} threads`;
  if ((BK * BN) % (4 * threads) !== 0)
    return `${BK} x ${BN} elements of B do not divide among ${threads} threads`;
  if (p.ALIGNED === true && n % 4 !== 0) return `ALIGNED needs rows of a multiple of 4, not ${n}`;
  return null;
}

/** Every combination of the given values, those invalid with the rule they break. */
export function tileGrid(
  rung: TiledRung,
  info: DeviceInfo,
  n: number,
  axes: Readonly<Record<string, ReadonlyArray<number | boolean>>>,
): Array<{ parameters: Parameters; reason: string | null }> {
  let points: Parameters[] = [{}];
  for (const [name, values] of Object.entries(axes)) {
    points = points.flatMap((point) => values.map((value) => ({ ...point, [name]: value })));
  }
  return points.map((parameters) => ({ parameters, reason: tileNeeds(rung, info, parameters, n) }));
}

/** What one multiprocessor of an H100 or H200 (sm_90) has. */
const sm90 = { registers: 65536, threads: 2048, blocks: 32, sharedBytes: 233472, reservedShared: 1024 };

/**
 * Registers, shared memory and occupancy that a tile would have on an H100 or H200, counted without compiling.
 *
 * Registers are the accumulators and fragments plus 24 for addresses and counters: the compiler's own number differs
 * by a few. Where a device reports its own, use that.
 */
export function tileResources(
  rung: TiledRung,
  p: Parameters,
): {
  registers: number;
  sharedBytes: number;
  occupancy: number;
  limitedBy: "registers" | "shared memory" | "threads";
} {
  const { threads, sharedBytes, registers: least } = tileCost(rung, p);
  const registers = Math.min(255, Math.ceil((least + 24) / 8) * 8);
  const warps = Math.ceil(threads / 32);
  // Registers are given out in units of 256 a warp.
  const byRegisters = Math.floor(sm90.registers / (warps * Math.ceil((registers * 32) / 256) * 256));
  const byShared = Math.floor(sm90.sharedBytes / (sharedBytes + sm90.reservedShared));
  const byThreads = Math.min(sm90.blocks, Math.floor(sm90.threads / threads));
  const blocks = Math.min(byRegisters, byShared, byThreads);
  const limitedBy = blocks === byThreads ? "threads" : blocks === byRegisters ? "registers" : "shared memory";
  return { registers, sharedBytes, occupancy: (blocks * warps * 32) / sm90.threads, limitedBy };
}
