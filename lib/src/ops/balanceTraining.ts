import { LabError } from "../core/error";
import { ceilDiv } from "../core/shape";
import type { Balance } from "./balance";
import type { MoeRun } from "./moeRun";

/** When and how fast a router is balanced. */
export interface TrainingOptions {
  /** Size of the first step; step i is 1 / (1 + i / 50) of it, so that swings about 0 die down. */
  readonly rate: number;
  /** Steps at most. */
  readonly steps: number;
  /** Stops when the balance loss has been this close to 0 for `hold` steps; 0.001 and 3 unless given. */
  readonly target?: number;
  readonly hold?: number;
}

/** The balance before each step and after the last. */
export interface Training {
  readonly history: readonly Balance[];
  readonly reached: boolean;
}

/**
 * Balances by the auxiliary loss: steps of gradient descent on the router's weights, on the device.
 *
 * The loss is E x sum of f_e P_e; its gradient goes through P_e. Changes `moe.router`, and so the gates as well.
 *
 * @example const { history } = await lab.balanceByGradient(run, { rate: 512 / (dim * experts), steps: 300 });
 */
export async function balanceByGradient(run: MoeRun, options: TrainingOptions): Promise<Training> {
  const { device, config, kernels, router } = run.moe;
  const { dim, experts } = config;
  const share = device.empty([experts]);
  const gradient = device.empty([run.tokens, experts]);
  try {
    return await train(run, options, async (balance, rate) => {
      await share.write(Float32Array.from(balance.share));
      const perToken = { grid: ceilDiv(run.tokens, 4), block: 128 };
      kernels.gradientLogits.enqueue(perToken, run.probability, share, gradient, run.tokens, experts);
      const perWeight = { grid: [ceilDiv(dim, 32), ceilDiv(experts, 32)], block: [32, 32] };
      kernels.gradientWeights.enqueue(perWeight, run.x, gradient, router, run.tokens, dim, experts, rate);
    });
  } finally {
    share.free();
    gradient.free();
  }
}

/**
 * Balances by a bias on the choice, without a loss: an expert with too many choices is made less attractive.
 *
 * Each step moves the bias by rate x (1 - f_e E). Gates and weights stay as they are; only `moe.bias` changes.
 *
 * @example const { reached } = await lab.balanceByBias(run, { rate: 0.2, steps: 100 });
 */
export async function balanceByBias(run: MoeRun, options: TrainingOptions): Promise<Training> {
  const { bias, config } = run.moe;
  const values = Float32Array.from((await bias.read()) as Float32Array);
  return train(run, options, async (balance, rate) => {
    for (let e = 0; e < config.experts; e++) {
      values[e]! += rate * (1 - balance.share[e]! * config.experts);
    }
    await bias.write(values);
  });
}

async function train(
  run: MoeRun,
  { rate, steps, target = 0.001, hold = 3 }: TrainingOptions,
  step: (balance: Balance, rate: number) => Promise<void>,
): Promise<Training> {
  if (!(rate > 0) || !Number.isInteger(steps) || steps < 1) {
    throw new LabError(
      "invalid-config",
      `Balancing a router: rate ${rate} and steps ${steps}, expected both above 0.`,
    );
  }
  const history: Balance[] = [];
  for (let i = 0; ; i++) {
    run.route();
    run.place();
    const balance = await run.balance();
    history.push(balance);
    // The size of it: probabilities and choices that lean opposite ways make the loss negative, not better. And for
    // some steps: a loss that swings about 0 passes it by chance.
    const recent = history.slice(-hold);
    const reached = recent.length === hold && recent.every(({ loss }) => Math.abs(loss) < target);
    if (reached || i === steps) return { history, reached };
    await step(balance, rate / (1 + i / 50));
  }
}
