import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { watchLaunch } from "kernel-lab/dist/lens/watch";
import { hopperSource } from "../kernels/hopper-cases";

let dev: lab.Device;
let kernels: lab.Module;
const source = hopperSource("cluster");
before(async () => {
  dev = await lab.open("cpu");
  kernels = await dev.compileModule(source, { fileName: "cluster.cu" });
});
after(() => dev.close());

async function watch(kernel: lab.Kernel, config: lab.LaunchConfig, args: lab.KernelArg[], seed?: number) {
  const { report } = await watchLaunch(
    kernel,
    config,
    args,
    seed === undefined ? {} : { schedule: { seed } },
  );
  return report;
}

test("an access to a peer's shared memory is told apart, and what it reads is right", async () => {
  const out = dev.zeros([8 * 64]);
  const report = await lab.lens(
    kernels.kernel("neighbours"),
    { grid: 8, block: 32, cluster: 4, lens: { keep: true } },
    out,
  );
  const requests = report.lines.flatMap((line) => [...line.requests]);
  const [peer] = requests.filter(({ space }) => space === "dshared");
  assert.equal(requests.filter(({ space }) => space === "dshared").length, 1);
  // A warp of each of the 8 blocks reads 32 floats: 4 sectors.
  assert.deepEqual([peer!.kind, peer!.requests, peer!.bytes, peer!.cost], ["ld", 8, 8 * 128, 8 * 4]);
  assert.equal(peer!.exemplar.memory, "mine");
  assert.equal(report.totals["smsp__sass_inst_executed_op_dshared_ld.sum"], 8);
  assert.equal(report.totals["smsp__inst_executed_op_shared_st.sum"], 8);
  assert.equal(report.totals["smsp__inst_executed_op_shared_ld.sum"], undefined);
  assert.match(lab.lensText(report), /8 peer ld: 4/);
  // Block 3 closes the ring of the first cluster.
  assert.equal(((await out.read()) as Float32Array)[3 * 64 + 5], 5);
});

test("clusters that wait for one another are free of races, in natural order and under a schedule", async () => {
  const out = dev.zeros([8 * 64]);
  const x = dev.arange([4 * 5, 128]);
  const multicast = { grid: 8, block: 32, cluster: 4, shared: 4 * 512 };
  const map = lab.tensorMap(x, { box: [1, 128] });
  for (const seed of [undefined, 3]) {
    for (const report of [
      await watch(kernels.kernel("neighbours"), { grid: 8, block: 32, cluster: 4 }, [out], seed),
      await watch(kernels.kernel("groups"), { grid: 8, block: 32, cluster: 2 }, [out], seed),
      await watch(kernels.kernel("multicast"), multicast, [map, out, 5], seed),
    ]) {
      assert.equal(report.text, "No hazards: no races, no bad addresses, no unwritten values read.");
      assert.equal(report.ended, null);
    }
  }
});

test("a multicast is one copy of global memory and as many of shared memory as it reaches", async () => {
  const map = lab.tensorMap(dev.arange([4 * 5, 128]), { box: [1, 128] });
  const config = { grid: 8, block: 32, cluster: 4, shared: 4 * 512 };
  const report = await lab.lens(kernels.kernel("multicast"), config, map, dev.zeros([8 * 32]), 5);
  const copies = 8 * 5;
  assert.deepEqual(
    report.lines.flatMap((line) => [...line.bulk]),
    [
      {
        op: "ld",
        instructions: copies,
        sharedBytes: copies * 512 * 4,
        bytes: copies * 512,
        sectors: copies * 16,
        ideal: copies * 16,
      },
    ],
  );
});

/** The kernel alone with one place changed. */
async function broken(name: string, from: string, to: string): Promise<lab.Kernel> {
  const [head, ...parts] = source.split(/^(?=\/\/.*\n__global__)/m);
  const part = parts.find((one) => one.includes(` ${name}(`))!;
  assert.ok(part.includes(from), `"${from}" is in ${name}`);
  return dev.compile(head! + part.replace(from, to), { name, fileName: "broken.cu" });
}

test("without the cluster's barrier a read of a peer's memory is a race of two blocks", async () => {
  const kernel = await broken("neighbours", "lab::clusterSync();", "");
  const { hazards } = await watch(kernel, { grid: 4, block: 32, cluster: 2 }, [dev.zeros([4 * 64])]);
  const race = hazards.find(({ kind }) => kind === "race")!;
  assert.match(race.message, /^Race on shared mine/);
  const [a, b] = race.acts.map(({ block }) => block[0]);
  assert.notEqual(a, b);
});

test("a peer's memory written again before it was read is a race", async () => {
  const kernel = await broken(
    "groups",
    "sum += inbox[threadIdx.x];\n    cluster.sync();",
    "sum += inbox[threadIdx.x];",
  );
  const { text } = await watch(kernel, { grid: 4, block: 32, cluster: 2 }, [dev.zeros([4 * 32])]);
  assert.match(text, /Race on shared inbox/);
});

test("a stage given back before a multicast of it was read is a race", async () => {
  const kernel = await broken(
    "multicast",
    "if (round > 0) lab::mbarrierWait(empty, (round - 1) & 1);",
    "if (round > 1) lab::mbarrierWait(empty, round & 1);",
  );
  const map = lab.tensorMap(dev.arange([2 * 5, 128]), { box: [1, 128] });
  const config = { grid: 2, block: 32, cluster: 2, shared: 2 * 512 };
  const { text } = await watch(kernel, config, [map, dev.zeros([64]), 5]);
  assert.match(text, /Race on shared .*(by TMA)/);
});

test("a block that waits for a peer that never comes is a deadlock, and the launch ends there", async () => {
  const kernel = await dev.compile(
    `#include "mbarrier.cuh"
    #include "cluster.cuh"
    extern "C" __global__ void lonely() {
      __shared__ lab::Mbarrier called;
      if (threadIdx.x == 0) {
        lab::mbarrierInit(called, 1);
        lab::mbarrierInitFence();
      }
      lab::clusterSync();
      if (lab::clusterRank() == 0) lab::mbarrierWait(called, 0);
      lab::clusterSync();
    }`,
    { fileName: "lonely.cu" },
  );
  const report = await watch(kernel, { grid: 4, block: 32, cluster: 2 }, []);
  assert.equal(report.ended, "deadlock");
  assert.match(report.text, /Deadlock: .*lonely\.cu:/);
  // The device is there for the next launch.
  const again = await watch(kernels.kernel("neighbours"), { grid: 4, block: 32, cluster: 2 }, [
    dev.zeros([4 * 64]),
  ]);
  assert.equal(again.clean, true);
});

test("sampling takes whole clusters; a size declared by the kernel is known", async () => {
  const neighbours = { grid: 12, block: 32, cluster: 4, lens: { blocks: [5] } };
  const report = await lab.lens(kernels.kernel("neighbours"), neighbours, dev.zeros([12 * 64]));
  assert.deepEqual(report.blocks.traced, [4, 5, 6, 7]);
  assert.equal(report.totals["smsp__sass_inst_executed_op_dshared_ld.sum"], 4);
  const out = dev.zeros([4, 4], { dtype: "i32" });
  const declared = await lab.lens(
    kernels.kernel("declared"),
    { grid: [4, 4], block: 32, lens: { blocks: [5] } },
    out,
  );
  // Two by two: the blocks of rows 0 and 1, columns 0 and 1.
  assert.deepEqual(declared.blocks.traced, [0, 1, 4, 5]);
});
