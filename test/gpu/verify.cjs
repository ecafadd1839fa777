// What CI cannot see: every ladder's correctness, every fault and the launch path on a real GPU.
//
//   NODE_PATH=<bundle>/node_modules node test/gpu/verify.cjs [cuda|cpu]
//
// Prints one line a check and ends with "N passed, N failed"; exit code 1 when one failed.
const lab = require("kernel-lab");

const kind = process.argv[2] ?? "cuda";
let passed = 0;
let failed = 0;

/** Runs one check and prints its line. */
async function check(name, work) {
  const start = performance.now();
  try {
    const said = await work();
    passed++;
    console.log(`ok    ${name}${said ? `: ${said}` : ""} (${(performance.now() - start).toFixed(0)} ms)`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${name}: ${error.code ?? ""} ${error.stack ?? error}`);
  }
}

function expect(condition, message) {
  if (!condition) throw new Error(message);
}

async function ladders(dev) {
  const all = [
    ...["f32", "f16", "bf16"].flatMap((dtype) =>
      lab.softmax.variants.map((variant) => [`${variant.id} ${dtype}`, variant, lab.softmax.checkCases(dtype)]),
    ),
    ...lab.matmul.variants.map((variant) => [variant.id, variant, lab.matmul.checkCases()]),
    ...["f16", "bf16", "f32"].flatMap((dtype) =>
      lab.attention.variants.map((variant) => [
        `${variant.id} ${dtype}`,
        variant,
        dtype === "f16"
          ? [...lab.attention.longCheckCases(dtype), ...lab.attention.decodeCheckCases(dtype)]
          : lab.attention.checkCases(dtype),
      ]),
    ),
  ];
  for (const [name, variant, cases] of all) {
    await check(name, async () => {
      const results = await lab.checkVariant(dev, variant, cases);
      const wrong = results.filter((result) => result.status === "failed");
      expect(wrong.length === 0, wrong.map((result) => `${result.case}: ${result.detail}`).join("; "));
      const right = results.filter((result) => result.status === "passed").length;
      const skipped = results.find((result) => result.status === "skipped");
      expect(right > 0 || skipped, "nothing ran");
      return right > 0 ? `${right} of ${results.length} cases` : `none of ${results.length}: ${skipped.detail}`;
    });
  }
}

async function moe(dev) {
  const shapes = [
    { dim: 40, hidden: 36, experts: 5, k: 2, dtype: "f32", tokens: 77 },
    { dim: 33, hidden: 17, experts: 37, k: 4, dtype: "f32", tokens: 300 },
    ...["mma", "wgmma"].flatMap((tensorCores) => [
      { dim: 256, hidden: 512, experts: 8, k: 2, dtype: "bf16", tokens: 999, tensorCores },
      { dim: 1032, hidden: 328, experts: 5, k: 1, dtype: "bf16", tokens: 3333, tensorCores },
    ]),
  ];
  for (const { tokens, tensorCores, ...config } of shapes) {
    for (const path of ["loop", "grouped"]) {
      await check(`moe ${path} ${tensorCores ?? ""} ${JSON.stringify(config)}`, async () => {
        const layer = await lab.Moe.create(dev, config, 1, tensorCores ? { tensorCores } : {});
        const run = layer.bind(dev.randn([tokens, config.dim], { seed: 5, dtype: config.dtype }));
        run.poison();
        await run.forward(path);
        const result = await lab.checkMoe(run);
        expect(result.passed, result.mismatch);
        return `max error ${result.maxAbs}`;
      });
    }
  }
}

const faults = [
  ["illegal-address", "__global__ void wild(int* x) { x[1ll << 40] = 1; }"],
  ["misaligned-address", "__global__ void skewed(int* x) { *(float4*)((char*)x + 4) = *(float4*)((char*)x + 20); }"],
  ["time-limit", "__global__ void forever(volatile int* x) { while (x[0] == 0) { } }"],
  ["trap", "__global__ void trap(int* x) { __trap(); }"],
  ["assert", "#include <cassert>\n__global__ void checked(int* x) { assert(threadIdx.x > 5); }"],
  [
    "stack-overflow",
    "__device__ __noinline__ int down(int n) { volatile int big[512]; big[n % 512] = n; return n < 0 ? 0 : down(n + 1) + big[(n * 7) % 512]; }\n__global__ void deep(int* x) { x[0] = down(x[0]); }",
  ],
];

async function survive() {
  const dev = await lab.open(kind, { timeLimit: 3 });
  const probe = await dev.compile("__global__ void probe(int* x, int v) { x[threadIdx.x] = v; }");
  for (const [code, source] of faults) {
    await check(`fault ${code}`, async () => {
      const lost = dev.full([32], 0, { dtype: "i32" });
      const kernel = await dev.compile(source);
      let error;
      try {
        await kernel.launch({ grid: 1, block: 1 }, lost);
        await dev.sync();
      } catch (caught) {
        error = caught;
      }
      expect(error instanceof lab.LabError, `expected a LabError, received ${error}`);
      const start = performance.now();
      const x = dev.zeros([32], { dtype: "i32" });
      await probe.launch({ grid: 1, block: 32 }, x, 7);
      expect((await x.read()).every((value) => value === 7), "the next kernel's output is wrong");
      const again = performance.now() - start;
      let stale = "";
      await lost.read().catch((caught) => {
        stale = caught.code;
      });
      expect(stale === "device-lost", `the lost tensor said "${stale}"`);
      // A GPU reports some faults by a family name: what it said stands in the output, to be read.
      return `${error.code}: ${error.message.split("\n")[0]}; next kernel after ${again.toFixed(0)} ms`;
    });
  }
  await check("out of memory leaves the device as it is", async () => {
    const kept = dev.full([16], 3, { dtype: "i32" });
    let code = "";
    try {
      dev.zeros([2 ** 40]);
      await dev.sync();
    } catch (error) {
      code = error.code;
    }
    expect(code === "out-of-memory", `received "${code}"`);
    expect((await kept.read()).every((value) => value === 3), "the tensor made before is damaged");
  });
  await dev.close();
}

async function launches(dev) {
  const empty = await dev.compile("__global__ void empty(int* x) { }");
  const x = dev.zeros([1], { dtype: "i32" });
  await check("pipelined launches", async () => {
    const count = 20000;
    for (let round = 0; round < 2; round++) {
      await dev.sync();
      const start = performance.now();
      for (let i = 0; i < count; i++) empty.enqueue({ grid: 1, block: 32 }, x);
      await dev.sync();
      if (round === 1) return `${(((performance.now() - start) * 1000) / count).toFixed(2)} us a launch`;
    }
  });
  await check("graph replay", async () => {
    const graph = await dev.graph(async () => {
      for (let i = 0; i < 100; i++) empty.enqueue({ grid: 1, block: 32 }, x);
    });
    graph.launch();
    await dev.sync();
    const start = performance.now();
    for (let i = 0; i < 100; i++) graph.launch();
    await dev.sync();
    return `${(((performance.now() - start) * 1000) / 1e4).toFixed(2)} us a launch`;
  });
  await check("transfers", async () => {
    const host = new Float32Array(64 << 20).map((_, i) => i % 1000);
    const t = dev.empty([host.length]);
    await t.write(host);
    await dev.sync();
    const start = performance.now();
    await t.write(host);
    await dev.sync();
    const middle = performance.now();
    const back = await t.read();
    const end = performance.now();
    for (let i = 0; i < host.length; i += 4097) expect(back[i] === host[i], `element ${i} came back changed`);
    const rate = (ms) => (host.byteLength / ms / 1e6).toFixed(2);
    return `upload ${rate(middle - start)} GB/s, read back ${rate(end - middle)} GB/s`;
  });
}

(async () => {
  const dev = await lab.open(kind);
  console.log(`${dev.name}, ${dev.info.arch}, driver ${dev.info.driverVersion ?? "none"}`);
  console.log(JSON.stringify(await dev.state()), JSON.stringify(await dev.memory()));
  await ladders(dev);
  await moe(dev);
  await launches(dev);
  await dev.close();
  await survive();
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
})();
