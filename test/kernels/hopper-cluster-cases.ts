import type { HopperCase } from "./hopper-cases";

/** Thread block clusters: distributed shared memory, remote arrivals, multicast. */
export const clusterCases: readonly HopperCase[] = [
  ...[1, 2, 4, 8].flatMap((blocks): HopperCase[] => [
    {
      name: `clusters of ${blocks}: ranks, and shared memory read in the next block`,
      file: "cluster",
      kernel: "neighbours",
      async run(use) {
        const out = use.device.full([8, 64], Number.NaN);
        await use.kernel.launch({ grid: 8, block: 32, cluster: blocks }, out);
        const expected = Array.from({ length: 8 * 64 }, (_, i) => {
          const [block, place] = [i >> 6, i & 63];
          const rank = block % blocks;
          const peer = block - rank + ((rank + 1) % blocks);
          return place < 32 ? 100 * peer + place : 10 * rank + blocks;
        });
        return { got: (await out.read()) as Float32Array, expected, tolerance: 0 };
      },
    },
    {
      name: `clusters of ${blocks}: cooperative groups write into the next block`,
      file: "cluster",
      kernel: "groups",
      async run(use) {
        const out = use.device.full([8, 32], Number.NaN);
        await use.kernel.launch({ grid: 8, block: 32, cluster: blocks }, out);
        const expected = Array.from({ length: 8 * 32 }, (_, i) => {
          const [block, lane] = [i >> 5, i & 31];
          const rank = block % blocks;
          const writer = block - rank + ((rank + blocks - 1) % blocks);
          return 120 * (1 + writer) + 16 * lane;
        });
        return { got: (await out.read()) as Float32Array, expected, tolerance: 0 };
      },
    },
    {
      name: `clusters of ${blocks}: multicast to all, remote arrivals, thirty rounds`,
      file: "cluster",
      kernel: "multicast",
      async run(use) {
        const rounds = 30;
        const x = use.device.arange([rounds * blocks, 128]);
        const out = use.device.full([8, 32], Number.NaN);
        const map = use.lab.tensorMap(x, { box: [1, 128] });
        await use.kernel.launch(
          { grid: 8, block: 32, cluster: blocks, shared: 512 * blocks },
          map,
          out,
          rounds,
        );
        const rows = rounds * blocks;
        const expected = Array.from(
          { length: 8 * 32 },
          (_, i) => 128 * ((rows * (rows - 1)) / 2) + rows * (i & 31),
        );
        return { got: (await out.read()) as Float32Array, expected, tolerance: 1e-6 };
      },
    },
  ]),
  {
    name: "clusters declared by the kernel, two by two",
    file: "cluster",
    kernel: "declared",
    async run(use) {
      const out = use.device.full([4, 4], -1, { dtype: "i32" });
      await use.kernel.launch({ grid: [4, 4], block: 32 }, out);
      const expected = Array.from({ length: 16 }, (_, i) => 40 + (i % 2) + 2 * ((i >> 2) % 2));
      return { got: (await out.read()) as Int32Array, expected, tolerance: 0 };
    },
  },
];
