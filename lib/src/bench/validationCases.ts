import { ceilDiv } from "../core/shape";
import * as matmul from "../ops/matmul";
import { Moe } from "../ops/moe";
import { expertTile } from "../ops/moeKernels";
import * as patterns from "../ops/patterns";
import * as softmax from "../ops/softmax";
import { type OpCase, type Parameters, prepare, type Variant } from "../ops/variant";
import type { Device } from "../runtime/device";
import type { KernelLaunch } from "../runtime/replay";

/** Launches on a device whose memory is what they would find when they run. */
export interface CaseLaunches {
  readonly launches: readonly KernelLaunch[];
  free(): void;
}

/** A kernel at a size, launched alike on every device: the same grid, block and template arguments. */
export interface ValidationCase {
  /** "softmax/03_warp 64x1000". */
  readonly name: string;
  prepare(device: Device): Promise<CaseLaunches>;
}

/** A GPU's tile sizes, given by number so that a machine without one takes them too. */
const matmulParameters: Readonly<Record<string, Parameters>> = {
  "matmul/03_shared": { TILE: 32 },
  "matmul/04_register": { BM: 128, BN: 128, BK: 8, TM: 8, TN: 8 },
  "matmul/05_vector": { BM: 128, BN: 128, BK: 8, TM: 8, TN: 8 },
  "matmul/06_pipelined": { BM: 256, BN: 128, BK: 16, TM: 16, TN: 8, STAGES: 3, MIN_BLOCKS: 1, ALIGNED: true },
};

/** Every rung of the three walkthroughs and the access patterns, at sizes that the lens traces in seconds. */
export const validationCases: readonly ValidationCase[] = [
  ...softmax.variants.flatMap((variant) => [
    rung(variant, softmax.makeCase({ rows: 64, cols: 1024 }), split(variant.id)),
    rung(variant, softmax.makeCase({ rows: 33, cols: 333 }), split(variant.id)),
  ]),
  rung(softmax.variant("05_vector"), softmax.makeCase({ rows: 64, cols: 1024, dtype: "f16" })),
  ...matmul.variants.map((variant) =>
    rung(variant, matmul.makeCase({ m: 256, n: 256, k: 32 }), matmulParameters[variant.id]),
  ),
  ...[1, 2, 8, 32].map((stride) =>
    rung(patterns.variant("01_strided_copy"), patterns.makeCase({ rows: 256, cols: 256, stride })),
  ),
  ...patterns.variants.slice(1).map((v) => rung(v, patterns.makeCase({ rows: 256, cols: 256 }))),
  ...patterns.variants.slice(1, 4).map((v) => rung(v, patterns.makeCase({ rows: 100, cols: 70 }))),
  moe("loop", "f32", /./),
  moe("grouped", "f32", /moe_07/),
  moe("grouped", "bf16", /moe_09|gather|combine/),
  gradient(),
  embed(),
];

function split(id: string): Parameters | undefined {
  return id === "softmax/06_split" ? { block: 256, splits: 4 } : undefined;
}

function rung<C extends OpCase>(variant: Variant<C>, c: C, parameters?: Parameters): ValidationCase {
  return {
    name: `${variant.id} ${c.name}${c.dtype === "f32" ? "" : ` ${c.dtype}`}`,
    async prepare(device) {
      const prepared = await prepare(device, variant, c, { parameters });
      // The second launch of two reads what the first one wrote.
      prepared.run();
      await device.sync();
      return { launches: prepared.launches, free: () => prepared.free() };
    },
  };
}

const layer = { dim: 64, hidden: 96, experts: 8, k: 2 } as const;
const tokens = 256;

/** Launches that some work enqueues, which it does run, of kernels whose name fits. */
async function launchesOf(
  device: Device,
  wanted: RegExp,
  work: () => Promise<unknown>,
): Promise<KernelLaunch[]> {
  const launches: KernelLaunch[] = [];
  device.onLaunch = (launch) => launches.push(launch);
  try {
    await work();
    await device.sync();
  } finally {
    device.onLaunch = null;
  }
  return launches.filter(({ kernel }) => wanted.test(kernel.name));
}

async function layerOn(device: Device, dtype: "f32" | "bf16") {
  const made = await Moe.create(device, { ...layer, dtype }, 1, {
    tile: expertTile.cuda,
    tensorCores: "mma",
  });
  const x = device.randn([tokens, layer.dim], { seed: 5, dtype });
  const run = made.bind(x);
  const free = () => {
    run.free();
    made.free();
    x.free();
  };
  return { made, run, free };
}

function moe(path: "loop" | "grouped", dtype: "f32" | "bf16", wanted: RegExp): ValidationCase {
  return {
    name: `moe ${path} ${dtype}`,
    async prepare(device) {
      const { run, free } = await layerOn(device, dtype);
      return { launches: await launchesOf(device, wanted, () => run.forward(path)), free };
    },
  };
}

function gradient(): ValidationCase {
  return {
    name: "moe balance",
    async prepare(device) {
      const { made, run, free } = await layerOn(device, "f32");
      await run.forward("grouped");
      const { dim, experts } = layer;
      const share = device.full([experts], 1 / experts);
      const slope = device.empty([tokens, experts]);
      const perToken = { grid: ceilDiv(tokens, 4), block: 128 };
      const perWeight = { grid: [ceilDiv(dim, 32), ceilDiv(experts, 32)], block: [32, 32] };
      const { gradientLogits, gradientWeights } = made.kernels;
      const launches: KernelLaunch[] = [
        { kernel: gradientLogits, config: perToken, args: [run.probability, share, slope, tokens, experts] },
        {
          kernel: gradientWeights,
          config: perWeight,
          args: [run.x, slope, made.router, tokens, dim, experts, 0.1],
        },
      ];
      gradientLogits.enqueue(launches[0]!.config, ...launches[0]!.args);
      await device.sync();
      const all = () => {
        for (const tensor of [share, slope]) tensor.free();
        free();
      };
      return { launches, free: all };
    },
  };
}

function embed(): ValidationCase {
  return {
    name: "moe embed",
    async prepare(device) {
      const { made, free } = await layerOn(device, "f32");
      const table = device.randn([128, layer.dim], { seed: 7 });
      const ids = device.randint([tokens], { seed: 8, high: 128 });
      const out = device.empty([tokens, layer.dim]);
      const config = { grid: tokens, block: 128 };
      const launch = { kernel: made.kernels.embed, config, args: [table, ids, out, layer.dim, 0.5] };
      const all = () => {
        for (const tensor of [table, ids, out]) tensor.free();
        free();
      };
      return { launches: [launch], free: all };
    },
  };
}
