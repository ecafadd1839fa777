// Hardware counters, theoretical occupancy and SASS on a real GPU: what the fake ncu of the tests stands in for.
//
//   NODE_PATH=<bundle>/node_modules OUT=<folder> node test/gpu/counters.cjs
//
// Leaves in $OUT what ncu really printed: a table (ncu-raw.csv) and what it says of an unknown metric.
const { copyFileSync, existsSync, mkdtempSync, readFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const lab = require("kernel-lab");
const { explainingMetrics, defaultMetrics } = require("kernel-lab/dist/record/counterMetrics");
const { findNcu } = require("kernel-lab/dist/bench/counters");
const { runNcu, runProgram } = require("kernel-lab/dist/bench/ncu");
const { saveReplay } = require("kernel-lab/dist/runtime/replay");

const out = process.env.OUT ?? ".";
let failed = 0;

async function check(name, work) {
  const start = performance.now();
  try {
    const said = await work();
    console.log(`ok    ${name}${said ? `: ${said}` : ""} (${(performance.now() - start).toFixed(0)} ms)`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${name}: ${error.code ?? ""} ${error.stack ?? error}`);
  }
}

function equal(actual, expected, what) {
  if (actual !== expected) throw new Error(`${what}: expected ${expected} but received ${actual}`);
}

const source = `
extern "C" __global__ void copy(const float* x, float* y, int stride, int n) {
  int i = (blockIdx.x * blockDim.x + threadIdx.x) * stride;
  if (i < n) y[i] = x[i];
}
extern "C" __global__ void turn(const float* x, float* y) {
  __shared__ float tile[32][32];
  tile[threadIdx.y][threadIdx.x] = x[threadIdx.y * 32 + threadIdx.x];
  __syncthreads();
  y[threadIdx.y * 32 + threadIdx.x] = tile[threadIdx.x][threadIdx.y] * 2.0f + 1.0f;
}
extern "C" __global__ void wild(float* y) { y[1ll << 40] = 1; }`;

const sectors = "l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum";
const wavefronts = "l1tex__data_pipe_lsu_wavefronts_mem_shared_op_ld.sum";
const fma = "smsp__sass_thread_inst_executed_op_ffma_pred_on.sum";

(async () => {
  const dev = await lab.open("cuda");
  const ncu = findNcu();
  const version = await runProgram(ncu, ["--version"], 30, process.env);
  console.log(`${dev.name} ${dev.info.driverVersion}; ${ncu}: ${version.output.trim().split("\n").pop()}`);
  const module = await dev.compileModule(source, { fileName: "counters.cu" });
  const n = 1 << 16;
  const [x, y] = [dev.randn([n], { seed: 1 }), dev.zeros([n])];
  const of = (kernel, config, args, options) => lab.counters(module.kernel(kernel), config, args, options);

  await check("a copy at stride 1 reads 4 sectors a request", async () => {
    const { metrics } = await of("copy", { grid: n / 256, block: 256 }, [x, y, 1, n]);
    equal(metrics[sectors], n / 8, "sectors");
    return JSON.stringify(metrics);
  });
  await check("a copy at stride 8 reads 32", async () => {
    const { metrics } = await of("copy", { grid: n / 8 / 256, block: 256 }, [x, y, 8, n]);
    equal(metrics[sectors], n / 8, "sectors");
  });
  await check("a transposed tile has 32-way conflicts", async () => {
    const { metrics } = await of("turn", { grid: 1, block: [32, 32] }, [x, y]);
    equal(metrics[wavefronts], 32 * 32, "wavefronts");
    equal(metrics[fma], 1024, "fma");
    return JSON.stringify(metrics);
  });
  await check("a faulting launch is told as its fault, and this process lives on", async () => {
    const error = await of("wild", { grid: 1, block: 1 }, [y]).catch((caught) => caught);
    equal(error.code, "illegal-address", `code (${error.message})`);
    equal((await y.read()).length, n, "elements");
  });

  const folder = mkdtempSync(join(tmpdir(), "lab-ncu-"));
  await saveReplay(folder, [
    { kernel: module.kernel("turn"), config: { grid: 1, block: [32, 32] }, args: [x, y] },
    { kernel: module.kernel("copy"), config: { grid: 4, block: 256 }, args: [x, y, 2, n] },
  ]);
  await check("ncu's own table of two launches", async () => {
    const rows = await runNcu({ ncu, metrics: defaultMetrics, folder, timeLimit: 100 });
    copyFileSync(join(folder, "ncu.log"), join(out, "ncu-raw.csv"));
    equal(rows.map((row) => row.kernel).join(), "turn,copy", "kernels");
  });
  await check("metrics that explain, one by one", async () => {
    const lines = [];
    const rows = await runNcu({ ncu, metrics: [...explainingMetrics, sectors], folder, timeLimit: 100 }).catch(
      (error) => {
        lines.push(`${error.code}: ${error.message}`);
        return [];
      },
    );
    return [...lines, JSON.stringify(rows[0]?.metrics)].join("\n");
  });
  await check("an unknown metric is told as such", async () => {
    const error = await runNcu({ ncu, metrics: ["l1tex__no_such_thing.sum"], folder, timeLimit: 60 }).catch((e) => e);
    const log = join(folder, "ncu.log");
    console.log(`--- ncu said: ${existsSync(log) ? readFileSync(log, "utf8") : "(no log)"}---`);
    equal(error.code, "unknown-metric", `code (${error.message})`);
  });

  await check("theoretical occupancy is the driver's", async () => {
    let compared = 0;
    for (const [file, name] of [
      ["softmax/03_warp.cu", "softmax_03_warp<float>"],
      ["matmul/04_register.cu", "matmul_04_register<128, 128, 8, 8, 8>"],
      ["matmul/03_shared.cu", "matmul_03_shared<32>"],
    ]) {
      const kernel = await dev.compileFile(file, { name });
      for (const block of [32, 96, 128, 256, 512, 1024]) {
        for (const shared of [0, 10_000, 40_000]) {
          const driver = (await kernel.occupancy(block, shared)).blocksPerMultiprocessor;
          const ours = await kernel.inspect({ block, shared }).then(
            ({ occupancy }) => occupancy.blocks,
            (error) => (error.code === "invalid-launch" ? 0 : Promise.reject(error)),
          );
          equal(ours, driver, `${name} at ${block} threads and ${shared} bytes`);
          compared++;
        }
      }
      const { sass, whyNoSass } = await kernel.inspect();
      console.log(`      ${name}: ${sass ? `${sass.length} lines of SASS` : whyNoSass}`);
    }
    return `${compared} launches`;
  });
  await dev.close();
  console.log(failed ? `${failed} failed` : "all passed");
  process.exitCode = failed ? 1 : 0;
})();
