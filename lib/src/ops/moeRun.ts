import { ceilDiv } from "../core/shape";
import type { Tensor } from "../runtime/tensor";
import { type Balance, balanceOf } from "./balance";
import { choiceBlocks, expertFlops } from "./moeConfig";
import type { MoeLayer } from "./moeKernels";

/** How the experts' matmuls are launched. */
export type ExpertPath = "loop" | "grouped";

/** A step of the layer: its name, and how to enqueue it. */
export interface MoeStep {
  readonly name: string;
  /** Kernel file below kernels/. */
  readonly file: string;
  run(): void;
}

/**
 * One batch on a layer: its tensors and its steps.
 *
 * Steps read what the earlier ones left on the device. Only the expert loop needs the host to know the experts' row
 * counts; `forward` reads them for it.
 */
export class MoeRun {
  readonly moe: MoeLayer;
  /** tokens x dim. */
  readonly x: Tensor;
  readonly tokens: number;
  readonly capacity: number;
  /** Logits and probabilities, tokens x experts; chosen experts and gates, tokens x k. */
  readonly logits: Tensor;
  readonly probability: Tensor;
  readonly expert: Tensor;
  readonly gate: Tensor;
  /** Choices of each expert, and where its kept rows begin (experts + 1). */
  readonly usage: Tensor;
  readonly start: Tensor;
  /** The row of each choice (-1: dropped), and the token of each row. */
  readonly slot: Tensor;
  readonly source: Tensor;
  /** Rows in expert order: inputs, after the first matmul, after the second. */
  readonly gathered: Tensor;
  readonly activated: Tensor;
  readonly result: Tensor;
  /** tokens x dim. */
  readonly out: Tensor;
  readonly #counts: Tensor;
  readonly #before: Tensor;
  #rows: number[] | null = null;

  /** @internal Made by `Moe.bind`. */
  constructor(moe: MoeLayer, x: Tensor, capacity?: number) {
    const { device, config } = moe;
    const { dim, hidden, experts, k, dtype } = config;
    const tokens = x.shape[0] ?? 0;
    const choices = tokens * k;
    const integers = { dtype: "i32" } as const;
    this.moe = moe;
    this.x = x;
    this.tokens = tokens;
    this.capacity = capacity ?? choices;
    this.logits = device.empty([tokens, experts]);
    this.probability = device.empty([tokens, experts]);
    this.expert = device.empty([tokens, k], integers);
    this.gate = device.empty([tokens, k]);
    this.usage = device.empty([experts], integers);
    this.start = device.empty([experts + 1], integers);
    this.slot = device.empty([tokens, k], integers);
    this.source = device.empty([choices], integers);
    this.gathered = device.empty([choices, dim], { dtype });
    this.activated = device.empty([choices, hidden], { dtype });
    this.result = device.empty([choices, dim], { dtype });
    this.out = device.empty([tokens, dim], { dtype });
    this.#counts = device.empty([experts * choiceBlocks(choices)], integers);
    this.#before = device.empty([experts * choiceBlocks(choices)], integers);
  }

  /** Choices of the batch, tokens x k. */
  get choices(): number {
    return this.tokens * this.moe.config.k;
  }

  /** FLOPs of the experts when nothing is dropped. */
  get flops(): number {
    return expertFlops(this.moe.config, this.choices);
  }

  /** Enqueues router, softmax and top-k. */
  route(): void {
    const { kernels, config, router, bias } = this.moe;
    const { dim, experts, k } = config;
    const { tokens } = this;
    const grid = [ceilDiv(tokens, 32), ceilDiv(experts, 32)];
    kernels.router.enqueue({ grid, block: [32, 8] }, this.x, router, this.logits, tokens, dim, experts);
    kernels.topk.enqueue(
      { grid: ceilDiv(tokens, 4), block: 128 },
      this.logits,
      bias,
      this.expert,
      this.gate,
      this.probability,
      tokens,
      experts,
      k,
    );
  }

  /** Enqueues histogram, scan and the slots of the choices. */
  place(): void {
    const { kernels, config } = this.moe;
    const { experts, k } = config;
    const blocks = choiceBlocks(this.choices);
    const [choices, counts, before] = [this.choices, this.#counts, this.#before];
    kernels.histogram.enqueue(
      { grid: blocks, block: 256, shared: 4 * experts },
      this.expert,
      counts,
      choices,
      experts,
    );
    kernels.scan.enqueue(
      { grid: 1, block: 1024 },
      counts,
      before,
      this.usage,
      this.start,
      experts,
      blocks,
      this.capacity,
    );
    kernels.slots.enqueue(
      { grid: blocks, block: 256, shared: 8 * 4 * experts },
      this.expert,
      before,
      this.start,
      this.slot,
      this.source,
      choices,
      experts,
      k,
      this.capacity,
    );
  }

  /** Enqueues the copy of rows into expert order. */
  gather(): void {
    const { dim, experts } = this.moe.config;
    const config = { grid: this.choices, block: 128 };
    this.moe.kernels.gather.enqueue(config, this.x, this.source, this.start, this.gathered, experts, dim);
  }

  /** Enqueues both matmuls; the loop needs `readRows` to have run for this routing. */
  experts(path: ExpertPath): void {
    const { config, up, down, expertKernels } = this.moe;
    const { dim, hidden, experts } = config;
    const { start } = this;
    const jobs = [
      { gelu: true, x: this.gathered, w: up, y: this.activated, start, n: hidden, k: dim },
      { gelu: false, x: this.activated, w: down, y: this.result, start, n: dim, k: hidden },
    ];
    for (const job of jobs) {
      if (path === "loop") expertKernels.loop(job, this.#rows ?? []);
      else expertKernels.grouped(job, Math.min(this.choices, experts * this.capacity), experts);
    }
  }

  /** Enqueues the weighted sum a token. */
  combine(): void {
    const { dim, k } = this.moe.config;
    const config = { grid: this.tokens, block: 128 };
    this.moe.kernels.combine.enqueue(config, this.result, this.slot, this.gate, this.out, k, dim);
  }

  /** Reads how many rows each expert keeps, which the expert loop needs to size its grids. */
  async readRows(): Promise<number[]> {
    const usage = (await this.usage.read()) as Int32Array;
    this.#rows = Array.from(usage, (count) => Math.min(count, this.capacity));
    return this.#rows;
  }

  /** Runs the whole layer. */
  async forward(path: ExpertPath = "grouped"): Promise<void> {
    this.route();
    this.place();
    if (path === "loop") await this.readRows();
    this.gather();
    this.experts(path);
    this.combine();
  }

  /** The steps one by one, for timing; run `forward` once before. */
  steps(path: ExpertPath = "grouped"): MoeStep[] {
    const file = this.moe.expertKernels.files[path];
    return [
      { name: "router and top-k", file: "moe/02_topk_softmax.cu", run: () => this.route() },
      { name: "histogram, scan, slots", file: "moe/05_permute.cu", run: () => this.place() },
      { name: "gather", file: "moe/05_permute.cu", run: () => this.gather() },
      { name: `experts (${path})`, file, run: () => this.experts(path) },
      { name: "combine", file: "moe/08_combine.cu", run: () => this.combine() },
    ];
  }

  /** Usage, variance and balance loss of the last routing. */
  async balance(): Promise<Balance> {
    const [usage, probability] = await Promise.all([this.usage.read(), this.probability.read()]);
    return balanceOf(usage as Int32Array, probability as Float32Array);
  }

  /** Fills every intermediate and output with NaN, or -1, so that a step that does nothing cannot pass. */
  poison(): void {
    for (const t of [
      this.logits,
      this.probability,
      this.gate,
      this.gathered,
      this.activated,
      this.result,
      this.out,
    ]) {
      t.fill(Number.NaN);
    }
    for (const t of [this.expert, this.usage, this.start, this.slot, this.source]) t.fill(-1);
  }

  /** Frees everything but the input. */
  free(): void {
    const own = [this.logits, this.probability, this.expert, this.gate, this.usage, this.start, this.slot];
    const rows = [
      this.source,
      this.gathered,
      this.activated,
      this.result,
      this.out,
      this.#counts,
      this.#before,
    ];
    for (const tensor of [...own, ...rows]) tensor.free();
  }
}
