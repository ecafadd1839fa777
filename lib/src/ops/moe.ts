import { LabError } from "../core/error";
import type { Device } from "../runtime/device";
import type { Tensor } from "../runtime/tensor";
import type { MoeConfig, MoeOptions } from "./moeConfig";
import { type ExpertKernels, loadKernels, type MoeKernels, type MoeLayer } from "./moeKernels";
import { MoeRun } from "./moeRun";

/** How a batch is run. */
export interface BindOptions {
  /** Rows an expert may take at most; the default drops nothing. */
  readonly capacity?: number;
}

/**
 * A mixture-of-experts layer on a device: a router and its experts' weights, seeded.
 *
 * @example
 * const moe = await lab.Moe.create(dev, { dim: 64, hidden: 128, experts: 8, k: 2, dtype: "f32" });
 * const run = moe.bind(dev.randn([1024, 64]));
 * await run.forward("grouped");
 * console.log((await run.balance()).loss, (await lab.checkMoe(run)).passed);
 */
export class Moe implements MoeLayer {
  readonly device: Device;
  readonly config: MoeConfig;
  /** The router's weights, dim x experts, f32. */
  readonly router: Tensor;
  /** Added to the logits for the choice of experts only, f32. */
  readonly bias: Tensor;
  /** experts x dim x hidden and experts x hidden x dim. */
  readonly up: Tensor;
  readonly down: Tensor;
  /** @internal */
  readonly kernels: MoeKernels;
  /** @internal */
  readonly expertKernels: ExpertKernels;

  private constructor(
    device: Device,
    config: MoeConfig,
    kernels: MoeKernels,
    expertKernels: ExpertKernels,
    seed: number,
  ) {
    const { dim, hidden, experts, dtype } = config;
    this.device = device;
    this.config = config;
    this.kernels = kernels;
    this.expertKernels = expertKernels;
    this.router = device.randn([dim, experts], { seed, std: dim ** -0.5 });
    this.bias = device.zeros([experts]);
    this.up = device.randn([experts * dim, hidden], { seed: seed + 1, std: dim ** -0.5, dtype });
    this.down = device.randn([experts * hidden, dim], { seed: seed + 2, std: hidden ** -0.5, dtype });
  }

  /**
   * Compiles the kernels and draws the weights.
   *
   * @throws LabError "invalid-config" for sizes that make no layer, "not-supported" for bf16 on the CPU device when
   *   dim or hidden are no multiple of 8
   */
  static async create(device: Device, config: MoeConfig, seed = 1, options: MoeOptions = {}): Promise<Moe> {
    const { dim, hidden, experts, k, dtype } = config;
    for (const [name, value] of Object.entries({ dim, hidden, experts, k })) {
      if (!Number.isInteger(value) || value < 1) {
        throw new LabError(
          "invalid-config",
          `Making a MoE layer: ${name} is ${value}, expected a whole number from 1.`,
        );
      }
    }
    if (k > experts || k > 32 || experts > 256) {
      throw new LabError(
        "invalid-config",
        `Making a MoE layer: ${experts} experts with k = ${k}, expected k <= experts, k <= 32 and experts <= 256.`,
      );
    }
    if (dtype === "bf16" && (dim % 8 !== 0 || hidden % 8 !== 0)) {
      throw new LabError(
        "not-supported",
        `bf16 experts need dim and hidden in multiples of 8, not ${dim} and ${hidden}.`,
      );
    }
    const { kernels, experts: expertKernels } = await loadKernels(device, config, options);
    return new Moe(device, config, kernels, expertKernels, seed);
  }

  /** Makes the tensors that a batch of tokens (tokens x dim, the layer's dtype) needs. */
  bind(x: Tensor, options: BindOptions = {}): MoeRun {
    return new MoeRun(this, x, options.capacity);
  }

  /**
   * Embeds tokens: a seeded table of `vocabulary` rows, each token's row plus `mix` times that of the one before.
   * The result is tokens x dim in the layer's dtype.
   */
  embed(tokens: Int32Array, vocabulary: number, mix = 0.5, seed = 7): Tensor {
    const { dim, dtype } = this.config;
    const table = this.device.randn([vocabulary, dim], { seed });
    const ids = this.device.tensor(tokens);
    const out = this.device.empty([tokens.length, dim], { dtype });
    this.kernels.embed.enqueue({ grid: tokens.length, block: 128 }, table, ids, out, dim, mix);
    table.free();
    ids.free();
    return out;
  }

  /** Bytes of all weights. */
  get weightBytes(): number {
    return this.up.nbytes + this.down.nbytes + this.router.nbytes;
  }

  /** Frees the weights. */
  free(): void {
    for (const tensor of [this.router, this.bias, this.up, this.down]) tensor.free();
  }
}
