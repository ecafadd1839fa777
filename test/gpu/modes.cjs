// The modes of the timing loop on a real GPU: cold, warm, sustained and as a graph, with clocks and power.
//
//   NODE_PATH=<bundle>/node_modules node test/gpu/modes.cjs [cuda|cpu]
//
// Prints a line a measurement; exit code 1 when a mode does not do what it is for.
const lab = require("kernel-lab");

function line(name, record) {
  const { statistics: s, method: m, verdict, rates, state } = record;
  const clocks = state.map((r) => r.smClockHz).filter((c) => c !== null);
  const power = state.map((r) => r.powerW).filter((w) => w !== null);
  const range = (values, scale) =>
    values.length === 0 ? "-" : `${(Math.min(...values) / scale).toFixed(0)}..${(Math.max(...values) / scale).toFixed(0)}`;
  console.log(
    `${name.padEnd(28)} ${(s.median * 1e6).toFixed(2).padStart(9)} us  ±${(((s.ci95[1] - s.ci95[0]) / 2 / s.median) * 100).toFixed(2)}%` +
      `  events ${(m.eventOverhead * 1e6).toFixed(2)} us  idle ${((m.idle ?? 0) * 1e6).toFixed(1)}  late ${((m.unfinished ?? 0) * 1e6).toFixed(1)}` +
      `  clocks ${range(clocks, 1e6)} MHz  power ${range(power, 1)} W  ${state.length} readings  sets ${m.rotation}` +
      `  events/host ${m.clockRatio?.toFixed(5) ?? "-"}  FLOP/cycle ${rates.perCycle?.flops?.toFixed(0) ?? "-"}` +
      `  ${verdict.verdict}${verdict.throttled ? " throttled" : ""} ${verdict.reasons.join("; ")}`,
  );
}

async function main() {
  const dev = await lab.open(process.argv[2] ?? "cuda");
  let failed = 0;
  const expect = (good, what) => {
    if (!good) failed++;
    console.log(`${good ? "ok  " : "FAIL"}  ${what}`);
  };
  const size = dev.kind === "cuda" ? 4096 : 128;
  const gemm = await lab.prepare(
    dev,
    lab.matmul.variants.find((v) => v.id === "matmul/05_vector"),
    lab.matmul.makeCase({ m: size, n: size, k: size }),
  );
  const short = await lab.measureVariant(gemm);
  line("GEMM short", short);
  const sustained = await lab.measureVariant(gemm, { mode: "sustained", samples: 100 });
  line("GEMM sustained", sustained);
  expect(short.method.mode === "short" && sustained.method.mode === "sustained", "a record says which mode it is of");

  const count = dev.kind === "cuda" ? 2 ** 20 : 2 ** 14;
  const copy = await dev.compileFile("probes/copy.cu", { name: "copy" });
  const x = dev.randn([count], { seed: 3, outliers: { fraction: 0.001, scale: 16 } });
  const y = dev.empty([count]);
  const check = async () => {
    const [a, b] = [await x.read(), await y.read()];
    return { passed: a.every((v, i) => v === b[i]), compared: count };
  };
  const target = { kernel: copy, config: { grid: lab.ceilDiv(count / 4, 1024), block: 256 }, args: [x, y, count / 4] };
  const options = { outputs: [y], check, bytes: 8 * count };
  const cold = await lab.measure(target, options);
  line("copy of 4 MB, cold", cold);
  const warm = await lab.measure(target, { ...options, flushL2: false, rotate: 1 });
  line("copy of 4 MB, warm", warm);
  const batch = await lab.measure(target, { ...options, flushL2: false, rotate: 1, batch: 50 });
  line("copy of 4 MB, 50 a sample", batch);
  const graph = await lab.measure(target, { ...options, flushL2: false, rotate: 1, batch: 50, graph: true });
  line("copy of 4 MB, graph of 50", graph);
  if (dev.kind === "cuda") {
    expect(warm.statistics.median < cold.statistics.median, "a warm cache is faster than a flushed one");
    expect(graph.statistics.median < 1.02 * batch.statistics.median, "a graph is not slower than its launches");
  }
  const all = [short, sustained, cold, warm, batch, graph];
  expect(all.every((r) => r.check?.passed && r.verdict.verdict !== "rejected"), "every mode's output was checked and right");
  console.log(`${all.filter((r) => r.verdict.verdict === "trusted").length} of ${all.length} trusted`);
  await dev.close();
  process.exitCode = failed > 0 ? 1 : 0;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
