import { ceilDiv } from "../core/shape";
import { binomialTail } from "../record/modes";
import type { MeasureRecord, Verdict } from "../record/schema";
import { median, quantile } from "../record/statistics";
import type { Device } from "../runtime/device";
import { timeSamples } from "./clock";
import { contentsOf } from "./contents";
import { copyBandwidth } from "./copyBandwidth";
import { clockSpread, driftOf, judge, modeGap } from "./gate";
import { measure } from "./measure";
import type { LaunchTarget, MeasureOptions } from "./target";
import { type Calibration, type Gate, gates } from "./thresholds";

/** How a calibration is made. */
export interface CalibrateOptions {
  /** Measurements of each clean kernel; default 12. */
  readonly repeats?: number;
  readonly onProgress?: (what: string, done: number, total: number) => void;
}

/** A kernel of which nothing is in doubt, with what it is called. */
interface CleanKernel {
  readonly name: string;
  readonly target: LaunchTarget;
  readonly options: MeasureOptions;
}

/** The figures the gate judges, of one record. */
function figuresOf(record: MeasureRecord): Record<Figure, number> {
  const { statistics, method } = record;
  return {
    interval: (statistics.ci95[1] - statistics.ci95[0]) / 2 / statistics.median,
    drift: Math.abs(driftOf(record.samples)),
    modeDistance: modeGap(record.samples),
    clockSpread: clockSpread(record.state),
    unfinished: Math.max(0, (method.unfinished ?? 0) - (method.idle ?? 0)),
    clocks: Math.abs((method.clockRatio ?? 1) - 1),
  };
}

type Figure = "interval" | "drift" | "modeDistance" | "clockSpread" | "unfinished" | "clocks";

/** The chance of a clean run to fail a threshold that is right. */
const allowed = 0.05;
/** A threshold moves where so many clean runs fail it that chance would do it less often than this. */
const significance = 0.05;

/** Room above what clean kernels reach, so that the next clean kernel is not doubted. */
const room = 1.25;
/** How far a threshold may move: beyond it the machine is too busy to be calibrated, and the gate would mean nothing. */
const furthest = 3;

/**
 * Measures what clean kernels reach on a device and sets the gate by it.
 *
 * A copy of 512 MB, the same of a size that takes tens of microseconds, and one that only computes, each measured a
 * dozen times after a round that is thrown away, while clocks, caches and the host's own memory settle. A threshold that
 * significantly more than one in twenty of these clean runs fail (a binomial test at 5%) is moved to a quarter above the
 * 95th percentile, and says so in `why`; runs that are doubted all the same are kept with their samples.
 *
 * @example writeFileSync(dataPath("calibration", calibrationFile(dev.name)), JSON.stringify(await lab.calibrate(dev)))
 */
export async function calibrate(device: Device, options: CalibrateOptions = {}): Promise<Calibration> {
  const { repeats = 12, onProgress = () => {} } = options;
  const bandwidth = { ...(await extremes(device)), copy: await copyBandwidth(device) };
  const kernels = await cleanKernels(device);
  const records: MeasureRecord[] = [];
  const names: string[] = [];
  try {
    for (const { name, target, options: own } of kernels) {
      onProgress(`${name}, warming up`, 0, repeats * kernels.length);
      await measure(target, own);
    }
    for (let i = 0; i < repeats; i++) {
      // Round by round, so that a disturbance of seconds meets every kernel.
      for (const [k, { name, target, options: own }] of kernels.entries()) {
        onProgress(name, i * kernels.length + k, repeats * kernels.length);
        records.push(await measure(target, own));
        names.push(name);
      }
    }
  } finally {
    for (const { target } of kernels)
      for (const arg of target.args)
        if (typeof arg === "object" && arg && "free" in arg) (arg as { free(): void }).free();
  }
  const { gate, why, figures } = gateBy(records, gates[device.kind]);
  const doubted = records.flatMap((record, i) => {
    const { verdict, reasons } = judgedBy(record, device, gate);
    return verdict === "trusted" ? [] : [{ kernel: names[i]!, reasons, samples: [...record.samples] }];
  });
  const { environment } = records[0]!;
  const overheads = records.map((r) => r.method.eventOverhead ?? 0);
  const idles = records.map((r) => r.method.idle ?? 0);
  return {
    kind: "kernel-lab-calibration",
    device: device.name,
    driver: environment.driver,
    lab: environment.lab.version,
    date: environment.date,
    eventOverhead: { median: median(overheads), p95: quantile(overheads, 0.95) },
    idle: { median: median(idles), p95: quantile(idles, 0.95) },
    bandwidth,
    clean: {
      runs: records.length,
      kernels: kernels.map(({ name }) => name),
      figures,
      trusted: 1 - doubted.length / records.length,
      doubted,
    },
    gate,
    why,
  };
}

/** The thresholds by clean records: as they were, or moved where too many clean runs would be doubted. */
export function gateBy(
  records: readonly MeasureRecord[],
  base: Gate,
): { gate: Gate; why: string[]; figures: Calibration["clean"]["figures"] } {
  const all = records.map(figuresOf);
  const gate = { ...base };
  const why: string[] = [];
  const figures: Calibration["clean"]["figures"] = {};
  for (const name of Object.keys(all[0] ?? {}) as Figure[]) {
    const values = all.map((f) => f[name]);
    const p95 = quantile(values, 0.95);
    figures[name] = { median: median(values), p95, max: Math.max(...values) };
    const failing = values.filter((v) => v > base[name]).length;
    if (binomialTail(values.length, failing, allowed) > significance) continue;
    const wanted = Number((p95 * room).toPrecision(2));
    gate[name] = Math.min(Math.max(wanted, base[name]), furthest * base[name]);
    why.push(
      `${name} moved from ${base[name]} to ${gate[name]}: ${failing} of ${values.length} clean runs exceed the former, ` +
        `95% stay below ${p95.toPrecision(2)}` +
        (wanted > gate[name]
          ? `; ${wanted} would be called for: this machine was too busy to be calibrated`
          : ""),
    );
  }
  return { gate, why, figures };
}

function judgedBy(record: MeasureRecord, device: Device, gate: Gate): Verdict {
  const evidence = { kind: device.kind, ...record, floorSeconds: null, l2Bytes: device.info.l2Bytes };
  return judge(evidence, gate);
}

async function cleanKernels(device: Device): Promise<CleanKernel[]> {
  const cuda = device.kind === "cuda";
  const copy = await device.compileFile("probes/copy.cu", { name: "copy" });
  const spin = await device.compileFile("probes/stream.cu", { name: "spin" });
  const operands = (count: number) => ({
    x: device.randn([count], { seed: 11, outliers: { fraction: 0.001, scale: 16 } }),
    y: device.empty([count]),
  });
  const same = (x: ReturnType<Device["empty"]>, y: ReturnType<Device["empty"]>) => async () => {
    const [a, b] = await contentsOf(device, [x, y]);
    return { passed: a!.hash === b!.hash, compared: y.size, tolerance: "the same bits" };
  };
  const copyOf = (name: string, count: number): CleanKernel => {
    const { x, y } = operands(count);
    return {
      name,
      target: {
        kernel: copy,
        config: { grid: ceilDiv(count / 4, 1024), block: 256 },
        args: [x, y, count / 4],
      },
      options: { suite: "calibration", bytes: 8 * count, outputs: [y], check: same(x, y) },
    };
  };
  const spun = operands(cuda ? 2 ** 22 : 2 ** 14);
  return [
    copyOf("copy", cuda ? 2 ** 27 : 2 ** 21),
    copyOf("small copy", cuda ? 2 ** 23 : 2 ** 18),
    {
      name: "spin",
      target: {
        kernel: spin,
        config: { grid: ceilDiv(spun.x.size, 256), block: 256 },
        args: [spun.x, spun.y, spun.x.size, 1, 0, cuda ? 4096 : 512],
      },
      options: { suite: "calibration", outputs: [spun.y], check: same(spun.x, spun.y) },
    },
  ];
}

/** Bytes a second of a kernel that only reads and of one that only writes. */
async function extremes(device: Device): Promise<{ read: number; write: number }> {
  const bytes =
    device.kind === "cuda" ? 2 ** 30 : Math.min(2 ** 28, Math.max(2 ** 26, 4 * device.info.l2Bytes));
  const { module } = await device.compileFile("probes/stream.cu", { name: "sum", names: ["sum", "set"] });
  const [sum, set] = [module.kernel("sum"), module.kernel("set")];
  const data = device.full([bytes / 4], 1);
  const out = device.zeros([1024]);
  try {
    const config = { grid: ceilDiv(bytes / 16, 1024), block: 256 };
    const works = [
      () => sum.enqueue(config, data, out, bytes / 16),
      () => set.enqueue(config, data, 1, bytes / 16),
    ];
    const samples = device.kind === "cuda" ? 30 : 5;
    const [reads, writes] = await timeSamples(device, works, { warmup: 3, samples });
    return { read: bytes / median(reads!), write: bytes / median(writes!) };
  } finally {
    data.free();
    out.free();
  }
}
