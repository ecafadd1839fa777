import type { Rates, StateReading } from "../record/schema";
import { median } from "../record/statistics";
import type { Device } from "../runtime/device";
import { formatByteRate } from "../show/format";
import { type ComputeUnit, gpuFacts, unitOf } from "../targets/gpus";
import { copyBandwidth } from "./copyBandwidth";
import { calibrationOf, gateFor } from "./thresholds";

/** What limits a device. Rates a second; null where nobody knows. */
export interface Roof {
  /** Bytes a second of the measured copy. */
  readonly bandwidth: number;
  readonly bandwidthSource: string;
  /** Bytes a second no kernel can exceed: the fastest measured one with a margin, at most the data sheet's. */
  readonly hardBandwidth: number;
  /** Operations a second of the unit. */
  readonly peak: number | null;
  readonly peakSource: string;
}

/** Room above the copy on a device that was not calibrated. */
const uncalibrated = 0.5;

/** The roof above a case of this dtype on this device; the copy is measured once a device. */
export async function roofOf(
  device: Device,
  dtype: string,
  unit: ComputeUnit = unitOf(dtype),
): Promise<Roof> {
  const bandwidth = await copyBandwidth(device);
  const facts = device.kind === "cuda" ? gpuFacts(device.name) : null;
  const calibrated = calibrationOf(device.name);
  const fastest = Math.max(bandwidth, calibrated?.bandwidth.read ?? 0, calibrated?.bandwidth.write ?? 0);
  return {
    bandwidth,
    bandwidthSource: `measured copy ${formatByteRate(bandwidth)}`,
    // What was measured here, with room for another mix of reads and writes; never more than the data sheet's. Before
    // lab calibrate nobody knows how far the copy is from the fastest there is.
    hardBandwidth: Math.min(
      fastest * (1 + (calibrated ? gateFor(device.info).physics : uncalibrated)),
      facts?.bandwidth ?? Number.POSITIVE_INFINITY,
    ),
    peak: facts?.flops[unit] ?? null,
    peakSource: facts ? `${unit} peak of the ${facts.name}` : "",
  };
}

/** The rates of one run and its share of the roof. Where compute may limit and its peak is unknown, no share. */
export function ratesOf(seconds: number, bytes: number | null, flops: number | null, roof: Roof): Rates {
  return {
    bytesPerSecond: bytes === null ? null : bytes / seconds,
    flopsPerSecond: flops === null ? null : flops / seconds,
    roofline: rooflineOf(seconds, bytes, flops, roof),
  };
}

/** The rates a cycle of the median SM clock over the readings; null where it was not read. */
export function perCycleOf(
  seconds: number,
  bytes: number | null,
  flops: number | null,
  state: readonly StateReading[],
): NonNullable<Rates["perCycle"]> | null {
  const clocks = state.flatMap((s) => (s.smClockHz === null || s.smClockHz <= 0 ? [] : [s.smClockHz]));
  if (clocks.length === 0 || (bytes === null && flops === null)) return null;
  const clockHz = median(clocks);
  const cycles = seconds * clockHz;
  return {
    clockHz,
    bytes: bytes === null ? null : bytes / cycles,
    flops: flops === null ? null : flops / cycles,
  };
}

// Below ten operations a byte memory limits on every device the lab knows.
const surelyMemoryBound = 10;

function rooflineOf(
  seconds: number,
  bytes: number | null,
  flops: number | null,
  roof: Roof,
): Rates["roofline"] {
  const memory = bytes === null ? 0 : bytes / roof.bandwidth;
  const compute = flops === null || roof.peak === null ? 0 : flops / roof.peak;
  if (memory === 0 && compute === 0) return null;
  if (flops !== null && roof.peak === null && flops > surelyMemoryBound * (bytes ?? 0)) return null;
  const floorSeconds = Math.max(memory, compute);
  const bound = memory >= compute ? "memory" : "compute";
  const source = bound === "memory" ? roof.bandwidthSource : roof.peakSource;
  return { bound, floorSeconds, share: floorSeconds / seconds, source };
}

/**
 * The time below which a measurement is rejected. Bytes count only where they cannot stay in the cache: the writes of
 * a small case may never reach memory while it is timed.
 */
export function physicalFloor(
  bytes: number | null,
  flops: number | null,
  roof: Roof,
  cacheBytes: number,
): number | null {
  const memory = bytes !== null && bytes > 4 * cacheBytes ? bytes / roof.hardBandwidth : 0;
  const compute = flops !== null && roof.peak !== null ? flops / roof.peak : 0;
  return Math.max(memory, compute) || null;
}
