import type { CheckRecord } from "../record/schema";
import type { Tensor } from "../runtime/tensor";
import { compareOutput, joinChecks, sampleIndices } from "./check";
import type { MoeRun } from "./moeRun";
import { dot, gelu, place, route } from "./reference";

/** Tokens whose whole output is recomputed in float64 at most, by the multiply-adds that takes. */
const mostWork = 2 ** 24;

/**
 * Compares every step of a run that `forward` has carried through with the float64 reference; samples large batches.
 *
 * @example run.poison(); await run.forward(); console.log((await lab.checkMoe(run)).mismatch)
 */
export async function checkMoe(run: MoeRun): Promise<CheckRecord> {
  const routing = await checkRouting(run);
  const [placing, slots] = await checkPlacing(run);
  return joinChecks([...routing, ...placing, ["output", await checkOutput(run, slots)]]);
}

async function checkRouting(run: MoeRun): Promise<Array<[string, CheckRecord]>> {
  const { dim, experts, k, dtype } = run.moe.config;
  const tokens = sampleIndices(run.tokens, 512);
  const router = (await run.moe.router.read()) as Float32Array;
  const bias = (await run.moe.bias.read()) as Float32Array;
  const rows = async (tensor: Tensor) => readRows(tensor, tokens);
  const [x, logits, probability, gate, expert] = await Promise.all(
    [run.x, run.logits, run.probability, run.gate, run.expert].map(rows),
  );
  const factor = 2 ** -23 * (4 + 2 * Math.sqrt(dim));
  const dots = tokens.flatMap((_, t) =>
    Array.from({ length: experts }, (_, e) => dot(x![t]!, router, dim, experts, 0, e)),
  );
  // The choice is judged by the kernel's own logits: rounding may swap two experts that are nearly equal.
  const routes = logits!.map((row) => route(row, k, bias));
  const close = (values: (r: (typeof routes)[number]) => ArrayLike<number>, width: number) => {
    const all = routes.flatMap((r) => Array.from(values(r)));
    return {
      shape: [tokens.length, width],
      at: (i: number) => all[i]!,
      tolerance: (_: number, expected: number) => 2e-5 * expected + 1e-30,
      rule: "|error| <= 2e-5 x |expected|",
    };
  };
  return [
    [
      "logits",
      compareOutput(join(logits!), {
        shape: [tokens.length, experts],
        at: (i) => dots[i]!.value,
        tolerance: (i) => factor * dots[i]!.magnitude + 1e-30,
        rule: `|error| <= ${factor.toExponential(2)} x sum of |x w| (${dtype} inputs)`,
      }),
    ],
    [
      "probability",
      compareOutput(
        join(probability!),
        close((r) => r.probabilities, experts),
      ),
    ],
    [
      "gate",
      compareOutput(
        join(gate!),
        close((r) => r.gates, k),
      ),
    ],
    [
      "expert",
      compareOutput(
        join(expert!),
        exact(
          routes.flatMap((r) => r.experts),
          [tokens.length, k],
        ),
      ),
    ],
  ];
}

async function checkPlacing(run: MoeRun): Promise<[Array<[string, CheckRecord]>, Int32Array]> {
  const { experts, k } = run.moe.config;
  const integers = [run.expert, run.slot, run.usage, run.start, run.source];
  const [choices, slots, usage, start, source] = (await Promise.all(
    integers.map((tensor) => tensor.read()),
  )) as Int32Array[];
  const right = place(choices!, experts, run.capacity);
  const kept = right.start[experts]!;
  const tokenOf = new Int32Array(kept);
  right.slots.forEach((slot, choice) => {
    if (slot >= 0) tokenOf[slot] = Math.floor(choice / k);
  });
  return [
    [
      ["usage", compareOutput(usage!, exact(right.usage, [experts]))],
      ["start", compareOutput(start!, exact(right.start, [experts + 1]))],
      ["slot", compareOutput(slots!, exact(right.slots, [run.tokens, k]))],
      ["source", compareOutput(source!.subarray(0, kept), exact(tokenOf, [kept]))],
    ],
    right.slots,
  ];
}

async function checkOutput(run: MoeRun, slots: Int32Array): Promise<CheckRecord> {
  const { dim, hidden, k, dtype } = run.moe.config;
  const perToken = 2 * k * dim * hidden;
  const tokens = sampleIndices(run.tokens, Math.max(1, Math.floor(mostWork / perToken)));
  const [x, actual, experts, gates] = await Promise.all(
    [run.x, run.out, run.expert, run.gate].map((tensor) => readRows(tensor, tokens)),
  );
  const weights = new Map<number, { up: ArrayLike<number>; down: ArrayLike<number> }>();
  const expected = new Float64Array(tokens.length * dim);
  const scale = new Float64Array(tokens.length * dim);
  for (let t = 0; t < tokens.length; t++) {
    for (let j = 0; j < k; j++) {
      if (slots[tokens[t]! * k + j]! < 0) continue;
      const e = experts![t]![j]!;
      let w = weights.get(e);
      if (!w) {
        const up = await run.moe.up.slice(e * dim, (e + 1) * dim).read();
        const down = await run.moe.down.slice(e * hidden, (e + 1) * hidden).read();
        w = { up: up as Float32Array, down: down as Float32Array };
        // Real weights are large (180 MB an expert and matrix at full size): one expert is kept at a time.
        if (perToken > 2 ** 22) weights.clear();
        weights.set(e, w);
      }
      addExpert(x![t]!, w, gates![t]![j]!, dim, hidden, t * dim, expected, scale);
    }
  }
  // bf16 rounds the activations, 2^-9 of the terms' size, and then each expert's row and the sum, 2^-9 of theirs.
  const factor = dtype === "bf16" ? 2 ** -7 : 2 ** -23 * (8 + 2 * Math.sqrt(dim + hidden));
  const rounding = dtype === "bf16" ? 2 ** -8 : 2 ** -23;
  return compareOutput(join(actual!), {
    shape: [tokens.length, dim],
    at: (i) => expected[i]!,
    tolerance: (i) => factor * scale[i]! + rounding * Math.abs(expected[i]!) + 1e-30,
    rule: `|error| <= ${factor.toExponential(2)} x the size of the sum's terms + ${rounding.toExponential(2)} |value|`,
  });
}

/** Adds gate x (gelu(x up) down) to `out`, and the root mean square size of its terms to `scale`. */
function addExpert(
  x: ArrayLike<number>,
  w: { up: ArrayLike<number>; down: ArrayLike<number> },
  gate: number,
  dim: number,
  hidden: number,
  at: number,
  out: Float64Array,
  scale: Float64Array,
): void {
  const active = new Float64Array(hidden);
  for (let d = 0; d < dim; d++) for (let h = 0; h < hidden; h++) active[h]! += x[d]! * w.up[d * hidden + h]!;
  for (let h = 0; h < hidden; h++) active[h] = gelu(active[h]!);
  const squares = new Float64Array(dim);
  for (let h = 0; h < hidden; h++) {
    for (let d = 0; d < dim; d++) {
      const term = active[h]! * w.down[h * dim + d]!;
      out[at + d]! += gate * term;
      squares[d]! += term * term;
    }
  }
  for (let d = 0; d < dim; d++) scale[at + d]! += gate * Math.sqrt(squares[d]! * 4);
}

function exact(values: ArrayLike<number>, shape: readonly number[]) {
  return { shape, at: (i: number) => values[i]!, tolerance: () => 0, rule: "exact" };
}

function join(rows: ReadonlyArray<ArrayLike<number>>): number[] {
  return rows.flatMap((row) => Array.from(row));
}

/** The rows of a matrix that `indices` names, read one by one only when they are few of many. */
async function readRows(tensor: Tensor, indices: readonly number[]): Promise<ArrayLike<number>[]> {
  const width = tensor.size / (tensor.shape[0] || 1);
  if (tensor.size <= 2 ** 22) {
    const all = (await tensor.read()) as Float32Array;
    return indices.map((i) => all.subarray(i * width, (i + 1) * width));
  }
  return Promise.all(indices.map(async (i) => (await tensor.slice(i, i + 1).read()) as Float32Array));
}
