import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";

const folder = join(__dirname, "..", "..", "lens", "cu");
const sources = Object.fromEntries(
  ["races", "faults"].map((name) => [name, readFileSync(join(folder, `${name}.cu`), "utf8")]),
);
let dev: lab.Device;
const modules: Record<string, lab.Module> = {};

before(async () => {
  dev = await lab.open("cpu", { workers: 1 });
  for (const name of Object.keys(sources)) {
    modules[name] = await dev.compileModule(sources[name]!, { fileName: `${name}.cu` });
  }
});
after(() => dev.close());

/** Lines marked HERE in the text of a kernel, or of what it calls. */
function marked(file: string, kernel: string): number[] {
  const lines = sources[file]!.split("\n");
  const start = lines.findIndex((line) => new RegExp(`\\b${kernel}\\(`).test(line));
  const end = lines.findIndex((line, i) => i > start && line.startsWith("}"));
  return lines.flatMap((line, i) => (i >= start && i <= end && line.includes("// HERE") ? [i + 1] : []));
}

type Args = () => lab.KernelArg[];
const f = (n: number): lab.Tensor => dev.randn([n], { seed: n });
const i = (n: number): lab.Tensor => dev.zeros([n], { dtype: "i32" });
const u = (n: number): lab.Tensor => dev.zeros([n], { dtype: "u32" });

async function look(
  file: string,
  kernel: string,
  launch: lab.LaunchConfig,
  args: Args,
  seed?: number,
): Promise<lab.HazardReport> {
  const watch = { hazards: true, timeLimit: 3, schedule: seed === undefined ? undefined : { seed } };
  const report = await lab.lens(modules[file]!.kernel(kernel), { ...launch, lens: watch }, ...args());
  return report.hazards!;
}

function lines(report: lab.HazardReport, kind: string): number[] {
  const at = report.hazards
    .filter((one) => one.kind === kind && one.level === "error")
    .flatMap((one) => one.acts.map((act) => act.line!.line));
  return [...new Set(at)].sort((a, b) => a - b);
}

interface Race {
  readonly name: string;
  readonly launch: lab.LaunchConfig;
  readonly args: Args;
  readonly memory: string;
  readonly space?: "global" | "shared";
  /** Another function of the file has the marked lines. */
  readonly in?: string;
  readonly advice: RegExp;
}

const races: Race[] = [
  {
    name: "reverse",
    launch: { grid: 1, block: 64 },
    args: () => [f(64), f(64)],
    memory: "tile",
    space: "shared",
    advice: /__syncthreads/,
  },
  {
    name: "warp_sum",
    launch: { grid: 1, block: 32 },
    args: () => [i(32), i(1)],
    memory: "part",
    space: "shared",
    advice: /__syncwarp/,
  },
  { name: "spill", launch: { grid: 3, block: 32 }, args: () => [f(96), 96], memory: "y", advice: /blocks/ },
  {
    name: "histogram",
    launch: { grid: 2, block: 128 },
    args: () => [dev.randint([256], { low: 0, high: 16 }), i(16), 256],
    memory: "bins",
    advice: /atomic/,
  },
  {
    name: "last_block",
    launch: { grid: 4, block: 32 },
    args: () => [f(128), f(4), u(1), f(1)],
    memory: "part",
    in: "last_block",
    advice: /__threadfence/,
  },
  {
    name: "pipeline",
    launch: { grid: 1, block: 64 },
    args: () => [f(256), f(64), 4],
    memory: "buffer",
    space: "shared",
    advice: /next copy/,
  },
  {
    name: "unwaited",
    launch: { grid: 1, block: 64 },
    args: () => [f(64), f(64)],
    memory: "tile",
    space: "shared",
    advice: /Wait for the copy/,
  },
  {
    name: "named",
    launch: { grid: 1, block: 128 },
    args: () => [i(128)],
    memory: "left",
    space: "shared",
    advice: /__syncthreads/,
  },
  {
    name: "grid",
    launch: { grid: 2, block: 64, cooperative: true },
    args: () => [f(128), f(128)],
    memory: "x",
    advice: /grid barrier/,
  },
  {
    name: "lock",
    launch: { grid: 4, block: 32 },
    args: () => [i(1), i(1)],
    memory: "total",
    advice: /atomic/,
  },
];

for (const { name, launch, args, memory, space = "global", in: within, advice } of races) {
  test(`${name}_bad: the race is found on ${memory}, with both lines`, async () => {
    const report = await look("races", `${name}_bad`, launch, args);
    assert.equal(report.clean, false);
    const found = report.hazards.filter((one) => one.kind === "race");
    assert.deepEqual(lines(report, "race"), marked("races", within ?? `${name}_bad`), report.text);
    for (const one of found) {
      assert.equal(one.memory?.name, memory);
      assert.equal(one.space, space);
      assert.equal(one.acts.length, 2);
      assert.ok(one.acts.some((act) => act.does.includes("write")));
      assert.match(one.advice, advice);
      assert.match(
        one.message,
        new RegExp(`^Race on (?:shared )?${memory}\\[\\d+\\]: thread \\(.*nothing orders`),
      );
    }
  });
  test(`${name}_good: its mended twin is clean, in natural order and in a random one`, async () => {
    for (const seed of [undefined, 7]) {
      const report = await look("races", `${name}_good`, launch, args, seed);
      assert.deepEqual(report.hazards, [], report.text);
      assert.equal(report.clean, true);
    }
  });
}

test("a race names threads, blocks and values", async () => {
  const report = await look("races", "spill_bad", { grid: 3, block: 32 }, () => [f(96), 96]);
  const [race] = report.hazards;
  assert.deepEqual(
    race!.acts.map(({ does, block, thread }) => [does, block, thread]),
    [
      ["write", [0, 0, 0], [31, 0, 0]],
      ["write", [1, 0, 0], [0, 0, 0]],
    ],
  );
  assert.deepEqual([race!.memory?.index, race!.before, race!.after, race!.count], [31, "1", "2", 2]);
});

test("threads that all write one value make a note, not an error", async () => {
  const report = await look("races", "same_value", { grid: 2, block: 32 }, () => [i(1)]);
  assert.equal(report.clean, true);
  assert.deepEqual(
    report.hazards.map((one) => [one.kind, one.level]),
    [["race", "note"]],
  );
});

test("fences of every thread before a barrier, and an ordered atomic, publish as well", async () => {
  for (const kernel of ["last_block_each_good", "last_block_ordered_good"]) {
    const n = kernel.includes("each") ? 128 : 4;
    const report = await look("races", kernel, { grid: 4, block: 32 }, () => [f(n), f(n), u(1), f(1)]);
    assert.deepEqual(report.hazards, [], `${kernel}: ${report.text}`);
  }
});

interface Fault {
  readonly name: string;
  readonly kind: string;
  readonly launch?: lab.LaunchConfig;
  readonly args: Args;
  /** Launched so, the kernel is clean. */
  readonly clean?: { readonly kernel?: string; readonly args: Args };
  readonly says: RegExp;
  readonly count?: number;
  readonly ended?: string;
}

const one64 = { grid: 1, block: 64 };
const faults: Fault[] = [
  {
    name: "past_end",
    kind: "out-of-bounds",
    args: () => [f(63), 63],
    clean: { kernel: "past_end_good", args: () => [f(63), 63] },
    says: /thread \(63, 0, 0\) of block \(0, 0, 0\) writes x\[63\] of 63 elements/,
    count: 1,
  },
  {
    name: "past_end",
    kind: "out-of-bounds",
    launch: { grid: 1, block: 65 },
    args: () => [f(64), 64],
    says: /thread \(64, 0, 0\).* writes x\[64\] of 64 elements/,
    ended: "illegal-address",
  },
  {
    name: "read_far",
    kind: "out-of-bounds",
    args: () => [f(64), f(64)],
    says: /reads x\[4398046511104\] of 64 elements/,
    ended: "illegal-address",
  },
  {
    // Where tensors lie side by side this is in y.
    name: "neighbour",
    kind: "out-of-bounds",
    args: () => [f(1 << 18), f(1 << 18), -8192],
    clean: { args: () => [f(64), f(64), 0] },
    says: /writes x\[-8192\], in front of its first element,/,
    ended: "illegal-address",
  },
  {
    name: "wrapped",
    kind: "out-of-bounds",
    args: () => [f(64), f(64)],
    clean: { kernel: "wrapped_good", args: () => [f(64), f(64)] },
    says: /reads x\[4294967295\] of 64 elements \(-1 as an unsigned index of 32 bits\)/,
    ended: "illegal-address",
  },
  {
    name: "misaligned",
    kind: "misaligned",
    launch: { grid: 1, block: 4 },
    args: () => [f(64), f(64), 1],
    clean: { args: () => [f(64), f(64), 4] },
    says: /no multiple of 16/,
    ended: "misaligned-address",
  },
  {
    name: "unwritten",
    kind: "uninitialised",
    args: () => [f(64), 32],
    clean: { args: () => [f(64), 64] },
    says: /reads shared tile\[\d+\].*nothing has written \(32 times\)/,
    count: 32,
  },
  {
    name: "unwritten_global",
    kind: "uninitialised",
    args: () => [dev.empty([64]), f(64)],
    clean: { args: () => [dev.zeros([64]), f(64)] },
    says: /reads x\[0\].*nothing has written/,
    count: 64,
  },
  {
    name: "divergent",
    kind: "divergent-barrier",
    args: () => [i(64), 32],
    clean: { args: () => [i(64), 64] },
    says: /thread \(0, 0, 0\).*waits at faults\.cu:\d+, thread \(32, 0, 0\)/,
  },
  {
    name: "shuffle_bad",
    kind: "inactive-shuffle",
    launch: { grid: 1, block: 32 },
    args: () => [i(32), i(32)],
    clean: { kernel: "shuffle_good", args: () => [i(32), i(32)] },
    says: /thread \(8, 0, 0\).*value of lane 16/,
    count: 8,
  },
  {
    name: "overflow",
    kind: "overflow",
    launch: { grid: 1, block: 2 },
    args: () => [f(64), 65536, 65536],
    clean: { args: () => [f(64), 0, 65536] },
    says: /signed result/,
  },
  {
    name: "bad_index",
    kind: "bad-index",
    args: () => [f(64), 1],
    clean: { args: () => [f(64), 0] },
    says: /uses index 32/,
    count: 2,
  },
  {
    name: "stuck",
    kind: "deadlock",
    args: () => [i(64)],
    says: /16 threads wait in __syncwarp\(\) at faults\.cu:\d+, thread \(0, 0, 0\).*; 48 threads wait at __syncthreads\(\) at faults\.cu:\d+, thread \(16, 0, 0\)/,
    ended: "deadlock",
  },
  { name: "endless", kind: "time-limit", args: () => [i(64)], says: /did not end/, ended: "time-limit" },
];

for (const { name, kind, launch = one64, args, clean, says, count, ended = null } of faults) {
  test(`${name}: ${kind}${ended ? " ends the launch, and" : ""} is told with its line`, async () => {
    const report = await look("faults", name, launch, args);
    assert.deepEqual(lines(report, kind), marked("faults", name), report.text);
    const hazard = report.hazards.find((one) => one.kind === kind)!;
    assert.match(hazard.message, says);
    assert.equal(hazard.level, "error");
    assert.ok(hazard.advice.length > 10);
    if (count !== undefined) assert.equal(hazard.count, count);
    assert.equal(report.ended, ended);
    assert.equal(report.clean, false);
    if (clean) {
      const twin = await look("faults", clean.kernel ?? name, launch, clean.args);
      assert.deepEqual(twin.hazards, [], twin.text);
    }
  });
}

test("no 32-bit index leads from one tensor into another", async () => {
  const own = await lab.open("cpu", { workers: 1 });
  try {
    const tell = await own.compile(sources.faults!, { name: "tell", fileName: "faults.cu" });
    const at = own.zeros([1], { dtype: "i64" });
    const bases: bigint[] = [];
    for (const x of [1 << 18, 64, 1 << 18].map((n) => own.zeros([n]))) {
      await tell.launch({ grid: 1, block: 1 }, x, at);
      bases.push(((await at.read()) as BigInt64Array)[0]!);
    }
    bases.sort((a, b) => (a < b ? -1 : 1));
    const reach = 2n ** 32n * 16n;
    for (const n of [1, 2]) assert.ok(bases[n]! - bases[n - 1]! > reach, bases.join(", "));
  } finally {
    await own.close();
  }
});

test("memory that was freed is told as such when a pointer into it is used", async () => {
  const [x, y] = [f(1000), f(2)];
  const where = dev.zeros([1], { dtype: "i64" });
  await modules.faults!.kernel("tell").launch({ grid: 1, block: 1 }, x, where);
  const address = ((await where.read()) as BigInt64Array)[0]!;
  x.free();
  await dev.sync();
  const report = await look("faults", "poke", { grid: 1, block: 1 }, () => [address, y]);
  assert.deepEqual(lines(report, "use-after-free"), marked("faults", "poke"), report.text);
});

test("threads that leave before a barrier make a note", async () => {
  const report = await look("faults", "leaves_early", one64, () => [i(64), 32]);
  assert.deepEqual(
    report.hazards.map((one) => [one.kind, one.level, one.number]),
    [["exited-at-barrier", "note", 32]],
  );
  assert.equal(report.hazards[0]!.acts[1]!.line?.line, marked("faults", "leaves_early")[0]);
});

test("a report reads as text and as HTML", async () => {
  const bad = await look("races", "reverse_bad", one64, () => [f(64), f(64)]);
  assert.match(bad.text, /^error {2}/m);
  assert.match(bad.html, /<table class="lab-hazards">.*races\.cu:\d+/s);
  assert.ok(!bad.html.includes("undefined"));
  assert.doesNotMatch(bad.html, /<t[dh]>/, "a notebook would set a cell without a style flush right");
  const good = await look("races", "reverse_good", one64, () => [f(64), f(64)]);
  assert.match(good.text, /^No hazards/);
});

test("without a look for hazards a launch that cannot end is the known error, with its line", async () => {
  for (const [kernel, code] of [
    ["stuck", "deadlock"],
    ["read_far", "illegal-address"],
  ] as const) {
    const args = kernel === "stuck" ? [i(64)] : [f(64), f(64)];
    await assert.rejects(
      () => lab.lens(modules.faults!.kernel(kernel), { ...one64 }, ...args),
      (error: unknown) => {
        assert.ok(error instanceof lab.LabError);
        assert.equal(error.code, code);
        assert.ok(marked("faults", kernel).includes(error.line!.line));
        return true;
      },
    );
  }
});
