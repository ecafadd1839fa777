// Holds the lab's gate against NVIDIA's own: the same CUBIN of a copy and of a GEMM timed by the lab, by triton's
// do_bench, and by the lab again, in one go. They must agree within 1% where the work takes 100 us or more.
//
// Both clocks are pairs of events that hold the time between the start event and the kernel's start; neither takes it off.
// It depends on how the kernel is launched (the lab: natively; do_bench: from Python): on an H200 do_bench was 0.5 us slower
// of a copy of 267 us and 0.8 us of one of 21 us. What each pair of events costs alone is printed beside. Shorter work is
// shown and not judged: 1% of it is less than the two clocks' own difference.
//
//   NODE_PATH=<bundle>/node_modules node test/gpu/calibrate_do_bench.cjs [OUT.json]
//
// Needs a GPU, and a python3 with torch, triton and cupy. Exit code 1 when one disagrees.
const { execFileSync } = require("node:child_process");
const { mkdtempSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const lab = require("kernel-lab");

const allowed = 0.01;
const judgedFrom = 100e-6;

/** The kernels, each as a contender for the lab. */
async function contenders(dev) {
  const count = 2 ** 27;
  const copy = await dev.compileFile("probes/copy.cu", { name: "copy" });
  const x = dev.randn([count], { seed: 1 });
  const y = dev.empty([count]);
  const small = 2 ** 23;
  const gemm = await lab.prepare(
    dev,
    lab.matmul.variants.find((v) => v.id === "matmul/05_vector"),
    lab.matmul.makeCase({ m: 4096, n: 4096, k: 4096 }),
  );
  const copyOf = (name, n) => ({
    name,
    launch: { kernel: copy, config: { grid: lab.ceilDiv(n / 4, 1024), block: 256 }, args: [x, y, n / 4] },
    options: { outputs: [y.slice(0, n)], inputs: [x], bytes: 8 * n, check: () => ({ passed: true, compared: 0 }) },
  });
  const own = lab.contender(gemm);
  return [
    copyOf("copy of 512 MB", count),
    copyOf("copy of 32 MB", small),
    { name: "GEMM 4096 fp32", launch: gemm.launches[0], options: own.options },
  ];
}

/** A launch as the Python program repeats it. */
function jobOf({ name, launch: { kernel, config, args } }) {
  const list = (extents) => (typeof extents === "number" ? [extents] : [...extents]);
  return {
    name,
    cubin: kernel.module.loaded.image.path,
    symbol: kernel.attributes.symbol,
    grid: list(config.grid),
    block: list(config.block),
    shared: config.shared ?? 0,
    milliseconds: 400,
    args: kernel.signature.params.map(({ type }, i) =>
      type.kind === "scalar"
        ? { scalar: Number(args[i]), kind: type.as, size: type.size }
        : { dtype: args[i].dtype, elements: args[i].size },
    ),
  };
}

async function main() {
  const dev = await lab.open("cuda");
  const all = await contenders(dev);
  const measured = async () => {
    const out = [];
    for (const { launch, options } of all) out.push(await lab.measure(launch, { ...options, samples: 100 }));
    return out;
  };
  const first = await measured();
  const jobs = join(mkdtempSync(join(tmpdir(), "kernel-lab-do-bench-")), "jobs.json");
  writeFileSync(jobs, JSON.stringify(all.map(jobOf)));
  const program = join(__dirname, "calibrate_do_bench.py");
  const theirs = JSON.parse(
    execFileSync("python3", [program, jobs], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] })
      .trim()
      .split("\n")
      .at(-1),
  );
  const second = await measured();
  const rows = all.map(({ name }, i) => {
    const [a, b] = [first[i].statistics.median, second[i].statistics.median];
    const ratio = theirs[name] / ((a + b) / 2);
    return {
      name,
      lab: [a, b],
      doBench: theirs[name],
      ratio,
      difference: theirs[name] - (a + b) / 2,
      judged: a >= judgedFrom,
      agrees: Math.abs(ratio - 1) <= allowed,
      verdicts: [first[i].verdict, second[i].verdict],
      method: first[i].method,
    };
  });
  const us = (s) => `${(s * 1e6).toFixed(2)} us`;
  const ownEvents = { lab: first[0].method.eventOverhead, doBench: theirs.nothing };
  console.log(`      events around nothing: lab ${us(ownEvents.lab)}, do_bench ${us(ownEvents.doBench)}`);
  for (const { name, lab: ours, doBench, ratio, difference, judged, agrees } of rows) {
    const word = judged ? (agrees ? "ok  " : "FAIL") : "info";
    console.log(
      `${word}  ${name}: lab ${us(ours[0])} and ${us(ours[1])}, do_bench ${us(doBench)}, ratio ${ratio.toFixed(4)}, ` +
        `difference ${us(difference)}${judged ? "" : " (too short to be judged)"}`,
    );
  }
  if (process.argv[2]) writeFileSync(process.argv[2], `${JSON.stringify({ device: dev.name, ownEvents, rows }, null, 2)}\n`);
  await dev.close();
  process.exitCode = rows.every(({ judged, agrees }) => !judged || agrees) ? 0 : 1;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
