import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { watchLaunch } from "kernel-lab/dist/lens/watch";
import * as attention from "kernel-lab/dist/ops/attention";
import { prepare, variantSource } from "kernel-lab/dist/ops/variant";
import { hopperSource } from "../kernels/hopper-cases";

let dev: lab.Device;
before(async () => {
  dev = await lab.open("cpu");
});
after(() => dev.close());

/** The source with one place of it changed; the place must be there. */
function broken(source: string, from: string, to: string): string {
  assert.ok(source.includes(from), `"${from}" is in the source`);
  return source.replace(from, to);
}

async function messages(
  kernel: lab.Kernel,
  config: lab.LaunchConfig,
  args: lab.KernelArg[],
): Promise<string> {
  const { report } = await watchLaunch(kernel, config, args);
  return report.hazards.map(({ message }) => message).join("\n");
}

async function ring(name: string, pieces: number, change?: readonly [string, string]): Promise<string> {
  // Each kernel alone: it compiles in a fraction of the time.
  const [head, first, second] = hopperSource("mbarrier").split(/^(?=\/\/.*\n__global__)/m);
  const whole = head! + (name === "ring" ? first! : second!);
  const threads = name === "ring" ? 96 : 64;
  const source = change ? broken(whole, ...change) : whole;
  const kernel = await dev.compile(source, { name, fileName: "mbarrier.cu" });
  return messages(kernel, { grid: 1, block: threads }, [dev.arange([64 * pieces]), dev.zeros([64]), pieces]);
}

test("a ring of bulk copies, and one of cp.async, are free of races", async () => {
  assert.equal(await ring("ring", 7), "");
  assert.equal(await ring("ring_copies", 7), "");
});

const full = "lab::mbarrierWait(full[at.stage], at.parity);";
const arrive = "if (lane == 0) lab::mbarrierArrive(empty[at.stage]);";
const sum = "sum += (piece + 1) * stage[at.stage][32 * (warp - 1) + lane];";
// Without a wait three pieces are as many as there are stages: a fourth would be loaded into one that is not filled yet,
// which ends the launch by itself.
for (const [what, pieces, from, to] of [
  ["no wait for the copy", 3, full, ""],
  ["a wait for the wrong parity", 7, full, full.replace("at.parity", "at.parity ^ 1")],
  [
    "a stage given back before it is read",
    7,
    `${sum}\n      __syncwarp();\n      ${arrive}`,
    `__syncwarp();\n      ${arrive}\n      ${sum}`,
  ],
  ["a stage given back by one lane that does not wait for the others", 7, "__syncwarp();\n      if", "if"],
] as const) {
  test(`a ring with ${what} is a race of the copy with the reader`, async () => {
    assert.match(await ring("ring", pieces, [from, to]), /^Race on shared stage.*writes it by TMA/m);
  });
}

test("the phases of an mbarrier: an arrival of the next phase orders nothing yet", async () => {
  // Two threads meet twice at one mbarrier, and the first writes again before it comes the second time.
  const source = (between: string): string => `
    #include "mbarrier.cuh"
    extern "C" __global__ void phases(int* out) {
      __shared__ lab::Mbarrier both;
      __shared__ int cell;
      if (threadIdx.x == 0) {
        lab::mbarrierInit(both, 64);
        lab::mbarrierInitFence();
      }
      __syncthreads();
      if (threadIdx.x == 0) cell = 1;
      lab::mbarrierArrive(both);
      if (threadIdx.x == 0) {
        lab::mbarrierWait(both, 0);
        ${between}
        cell = 2;
        lab::mbarrierArrive(both);
      } else {
        lab::mbarrierWait(both, 0);
        out[threadIdx.x] = cell;
        lab::mbarrierArrive(both);
      }
      lab::mbarrierWait(both, 1);
      out[threadIdx.x] = cell;
    }`;
  const run = async (between: string): Promise<string> => {
    const kernel = await dev.compile(source(between), { fileName: "phases.cu" });
    return messages(kernel, { grid: 1, block: 64 }, [dev.zeros([64], { dtype: "i32" })]);
  };
  assert.match(await run(""), /^Race on shared cell.* writes it .*, thread \(1, 0, 0\) .* reads it /m);
});

const rung = attention.variant(9);

async function attentionHazards(keys: number, change?: readonly [string, string]): Promise<string> {
  const whole = variantSource(rung);
  const c = attention.makeCase({ heads: 1, queries: 64, keys, headDim: 64 });
  const prepared = await prepare(dev, rung, c, {
    source: change ? broken(whole, ...change) : whole,
    parameters: { WARPGROUPS: 1, BN: 48, STAGES: 2 },
  });
  const [launch] = prepared.launches;
  const found = await messages(launch!.kernel, launch!.config, [...launch!.args]);
  prepared.free();
  return found;
}

const wait = "lab::mbarrierWait(keyFull[at.stage], at.parity);";
const given = "if (lane == 0) lab::mbarrierArrive(keyFree[at.stage]);";
for (const [what, keys, from, to] of [
  ["no wait for the keys", 90, wait, ""],
  ["a wait for the keys with the wrong parity", 90, wait, wait.replace("at.parity", "at.parity ^ 1")],
  [
    "keys given back before wgmma has read them",
    200,
    `lab::wgmmaWait<0>(s);\n    ${given}`,
    `${given}\n    lab::wgmmaWait<0>(s);`,
  ],
] as const) {
  test(`attention 09 with ${what} is a race of TMA and wgmma`, async () => {
    assert.match(
      await attentionHazards(keys, [from, to]),
      /^Race on (?=.*writes it by TMA)(?=.*reads it by wgmma)/m,
    );
  });
}

test("attention 09 as it is has no race", async () => {
  assert.equal(await attentionHazards(200), "");
});
