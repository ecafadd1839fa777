// Every rung under NVIDIA's compute-sanitizer on a real GPU, at small sizes that no tile divides.
//
//   NODE_PATH=<bundle>/node_modules OUT=<folder> node test/gpu/sanitize.cjs [topic ...]
//
// Prints a table of rungs by tools and every finding once; leaves sanitize.json in $OUT; exit code 1 when one was found.
const { writeFileSync } = require("node:fs");
const { join } = require("node:path");
const lab = require("kernel-lab");

const wanted = process.argv.slice(2);
const tools = ["memcheck", "racecheck", "synccheck"];

/** Small, irregular sizes by the parameters that a topic's cases have. */
const small = { rows: 33, cols: 260, m: 129, n: 68, k: 45, batch: 2, heads: 3, tokens: 77, length: 131, size: 131, seq: 131 };

/** Every launch that `work` enqueues, in order. */
async function launchesOf(dev, work) {
  const launches = [];
  dev.onLaunch = (launch) => launches.push(launch);
  // What the work gives back its launches still need when they are replayed.
  const { free } = lab.Tensor.prototype;
  lab.Tensor.prototype.free = () => {};
  try {
    await work();
    await dev.sync();
  } finally {
    dev.onLaunch = null;
    lab.Tensor.prototype.free = free;
  }
  return launches;
}

async function ladderCases(dev) {
  const groups = [];
  for (const ladder of lab.ladders) {
    if (wanted.length > 0 && !wanted.includes(ladder.topic)) continue;
    const names = Object.keys(ladder.benchCase(dev.info).params);
    const sizes = Object.fromEntries(names.filter((name) => name in small).map((name) => [name, small[name]]));
    for (const variant of ladder.variants) {
      // The decoder takes few queries.
      const decode = variant.id === "attention/13_decode";
      const given = decode ? { batch: 2, heads: 4, keyHeads: 2, queries: 3, keys: 700, dim: 128 } : sizes;
      try {
        const c = ladder.makeCase(given, undefined, dev.info);
        const reason = variant.needs(dev.info, c, variant.parameters(dev.info, c));
        if (reason !== null) {
          groups.push({ id: variant.id, launches: [], skipped: reason });
          continue;
        }
        const prepared = await lab.prepare(dev, variant, c);
        groups.push({ id: variant.id, launches: prepared.launches });
      } catch (error) {
        console.log(`${variant.id}: ${error.message}`);
        groups.push({ id: variant.id, launches: [], skipped: `not prepared: ${error.code ?? error.name}` });
      }
    }
  }
  return groups;
}

async function moeCases(dev) {
  if (wanted.length > 0 && !wanted.includes("moe")) return [];
  const groups = [];
  for (const { tokens, tensorCores, ...config } of [
    { dim: 40, hidden: 36, experts: 5, k: 2, dtype: "f32", tokens: 77 },
    { dim: 64, hidden: 136, experts: 8, k: 2, dtype: "bf16", tokens: 99, tensorCores: "mma" },
    { dim: 136, hidden: 328, experts: 3, k: 2, dtype: "bf16", tokens: 777, tensorCores: "wgmma" },
  ]) {
    const moe = await lab.Moe.create(dev, config, 1, tensorCores ? { tensorCores } : {});
    const run = moe.bind(dev.randn([tokens, config.dim], { seed: 5, dtype: config.dtype }));
    const what = tensorCores === "wgmma" ? "bf16 by wgmma" : config.dtype;
    for (const path of ["loop", "grouped"]) {
      const launches = await launchesOf(dev, () => run.forward(path));
      groups.push({ id: `moe ${what} ${path}`, launches });
    }
    const options = { rate: 0.1, steps: 1 };
    groups.push({
      id: `moe ${what} balance`,
      launches: await launchesOf(dev, () => lab.balanceByGradient(run, options)),
    });
  }
  return groups;
}

(async () => {
  const dev = await lab.open("cuda");
  const groups = [...(await ladderCases(dev)), ...(await moeCases(dev))];
  const rows = [];
  const findings = [];
  for (const { id, launches, skipped } of groups) {
    const row = { rung: id, launches: launches.length };
    for (const tool of tools) row[tool] = skipped ?? "clean";
    rows.push(row);
  }
  // All rungs in one run of each tool: starting the tool takes longer than checking a small launch.
  const ran = groups.filter(({ launches }) => launches.length > 0);
  for (const tool of tools) {
    let left = ran;
    while (left.length > 0) {
      const [report] = await lab.sanitize(left.flatMap(({ launches }) => launches), { tools: [tool], timeLimit: 240 });
      findings.push(...report.findings);
      const faulty = (group) =>
        report.findings.filter((finding) =>
          group.launches.some(({ kernel }) => {
            const name = kernel.name.replace(/<.*/, "");
            return new RegExp(`\\b${name}\\b`).test(finding.kernel);
          }),
        );
      for (const group of left) {
        const found = faulty(group);
        if (found.length > 0) rows.find((row) => row.rung === group.id)[tool] = `${found.length} found`;
      }
      // A launch that fails ends the replay: what came after it has not been looked at.
      if (report.cut === null) break;
      console.log(`${tool}: ${report.cut}`);
      const at = left.findIndex((group) => faulty(group).length > 0);
      if (at < 0) {
        for (const group of left) rows.find((row) => row.rung === group.id)[tool] = "not checked";
        break;
      }
      left = left.slice(at + 1);
    }
  }
  const shown = new Set();
  for (const finding of findings) {
    const key = `${finding.tool} ${finding.what} ${finding.kernel} ${finding.line?.line}`;
    if (shown.has(key)) continue;
    shown.add(key);
    console.log(`--- ${finding.tool}\n${finding.text}`);
  }
  console.log(lab.tableOf(rows, { title: `${dev.name}, compute-sanitizer` }).text);
  writeFileSync(join(process.env.OUT ?? ".", "sanitize.json"), JSON.stringify({ device: dev.name, rows, findings }, null, 1));
  await dev.close();
  process.exitCode = rows.some((row) => tools.some((tool) => /found|not checked|not prepared/.test(row[tool]))) ? 1 : 0;
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
