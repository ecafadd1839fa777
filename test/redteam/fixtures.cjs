// The known ways to be fooled by a measurement, each as a fixture with a clean twin. The same on both devices: the
// tests run them on the CPU device, test/gpu/redteam.cjs on a GPU.
//
// A fixture's `cheat` answers how it was caught, or null when it was not; `clean` answers null when its honest twin
// passed, or what was wrongly held against it.
const kernels = require("./kernels.cjs");

/** What every fixture works with. */
async function context(lab, dev) {
  const cuda = dev.kind === "cuda";
  const n = cuda ? 1 << 24 : 1 << 15;
  const config = { grid: n / 256, block: 256 };
  const normal = (seed) => dev.randn([n], { seed, outliers: { fraction: 0.001, scale: 16 } });
  const compile = (source, name) => dev.compile(source, name ? { name } : {});
  // The CPU device's caches are not what is at stake, and overwriting them takes longer than the work.
  const counts = cuda ? { samples: 50 } : { samples: 30, warmup: 3, flushL2: false, rotate: 2 };
  /** Compares y with 2x as x was when the context was made. */
  const checker = async (x) => {
    const expected = Float32Array.from(await x.read(), (v) => 2 * v);
    return (y) => async () => {
      const actual = await y.read();
      return lab.compareOutput(actual, {
        shape: [expected.length],
        at: (i) => expected[i],
        tolerance: () => 0,
        rule: "exact",
      });
    };
  };
  return { lab, dev, cuda, n, config, normal, compile, counts, checker };
}

/** How a record was caught: its first reason that matches, with the verdict; null where nothing did. */
function caught(record, pattern) {
  const reason = record.verdict.reasons.find((r) => pattern.test(r));
  return reason && record.verdict.verdict !== "trusted" ? `${record.verdict.verdict}: ${reason}` : null;
}

/** What is held against an honest record: a rejection, or the very reason its cheating twin was caught by. */
function blamed(record, pattern) {
  const { verdict, reasons } = record.verdict;
  const reason = reasons.find((r) => pattern.test(r));
  return reason ?? (verdict === "rejected" ? reasons.join("; ") : null);
}

/** A fixture of one kernel f(x, y, n) that must be caught for a reason, where the honest kernel is not. */
function kernelFixture(way, source, pattern, options = {}) {
  const measured = async (c, text) => {
    const x = c.normal(1);
    const y = c.dev.empty([c.n]);
    const check = await (options.check ?? ((cc, xx) => cc.checker(xx).then((of) => of(y))))(c, x, y);
    const kernel = await c.compile(text);
    const bytes = options.bytes?.(c) ?? 8 * c.n;
    return c.lab.measure({ kernel, config: c.config, args: [x, y, c.n] }, { ...c.counts, outputs: [y], bytes, check });
  };
  return {
    way,
    devices: ["cpu", "cuda"],
    cheat: async (c) => caught(await measured(c, source), pattern),
    clean: async (c) => blamed(await measured({ ...c }, kernels.honest), pattern),
  };
}

/** A check that finds everything right: what the lab sees itself must do. */
const gullible = async () => () => ({ passed: true, compared: 1 });

/** A check whose comparison lets NaN through, as `error > tolerance` does. */
const letsNanThrough = async (c, x, y) => {
  const expected = Float32Array.from(await x.read(), (v) => 2 * v);
  return async () => {
    const actual = await y.read();
    return { passed: !actual.some((v, i) => Math.abs(v - expected[i]) > 1e-6), compared: c.n };
  };
};

/** A check with a tolerance that small outputs always meet. */
const tolerant = async (c, x, y) => async () => ({
  passed: (await y.read()).every((v) => Math.abs(v) < 1e3),
  compared: c.n,
});

/**
 * Work in two launches, the second of which counts calls, so that the first can change from call to call. On a GPU only:
 * a CPU shared with other work drifts by itself, and there `seriesFixture` says the same with times of its own.
 */
function countedFixture(way, name, [base, more], pattern) {
  const measured = async (c, change) => {
    const x = c.normal(1);
    const y = c.dev.empty([c.n]);
    const { kernels: both } = await c.dev.compileModule(kernels[name]);
    const target = [
      { kernel: both[name], config: c.config, args: [x, y, c.n, base, change] },
      { kernel: both.count, config: { grid: 1, block: 1 }, args: [] },
    ];
    const check = (await c.checker(x))(y);
    return c.lab.measure(target, { ...c.counts, outputs: [y], inputs: [x], check });
  };
  return {
    way,
    devices: ["cuda"],
    cheat: async (c) => caught(await measured(c, more), pattern),
    clean: async (c) => blamed(await measured(c, 0), pattern),
  };
}

/** Times of a clock that no machine disturbs: 1 ms, a deviation of 0.2% from a seed, and what `shape` makes of each. */
function clockSeries(shape, count = 50) {
  let state = 20261121;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  return Array.from({ length: count }, (_, i) => 1e-3 * (1 + 0.002 * normal()) * shape(i, uniform));
}

/** A fixture of the verdict alone: a real record with the times of a simulated clock. */
function seriesFixture(way, cheat, pattern, clean = () => 1) {
  const judged = async (c, shape) => {
    const record = await onInput(c, c.normal(5));
    const samples = clockSeries(shape);
    const statistics = c.lab.summarize(samples);
    // The readings are of the real run's time, which is not the simulated one's.
    const verdict = c.lab.judge({ ...evidence(c, record), samples, statistics, state: [], method: { ...record.method, clockRatio: 1 } });
    return { ...record, verdict };
  };
  return {
    way,
    devices: ["cpu", "cuda"],
    cheat: async (c) => caught(await judged(c, cheat), pattern),
    clean: async (c) => blamed(await judged(c, clean), pattern),
  };
}

const easy = {
  zeros: (c) => c.dev.zeros([c.n]),
  "one value": (c) => c.dev.full([c.n], 0.5),
  "an even spread": (c) => c.dev.rand([c.n], { seed: 3 }),
};

exports.fixtures = [
  {
    way: "work on another stream",
    devices: ["cpu", "cuda"],
    async cheat(c) {
      // The end event waits for every stream, so that the work is inside. Work that escaped would take nearly nothing, so
      // that a busy host's noise in the ratio does not matter.
      const { ratio } = await strayed(c, c.dev.stream());
      return ratio > 0.6 ? `its time is counted all the same: ${ratio.toFixed(2)} of the honest one` : null;
    },
    async clean(c) {
      const { record } = await strayed(c, undefined);
      return blamed(record, /another stream or thread/);
    },
  },
  {
    way: "work on a thread",
    devices: ["cpu"],
    async cheat(c) {
      const x = c.normal(1);
      const y = c.dev.empty([c.n]);
      const kernel = await c.compile(kernels.deserter);
      const options = { ...c.counts, flushL2: true, samples: 30, outputs: [y], check: await gullible() };
      const record = await c.lab.measure({ kernel, config: c.config, args: [x, y, c.n] }, options);
      return caught(record, /another stream or thread/);
    },
    async clean(c) {
      const x = c.normal(1);
      const y = c.dev.empty([c.n]);
      const kernel = await c.compile(kernels.honest);
      const options = { ...c.counts, flushL2: true, outputs: [y], check: (await c.checker(x))(y) };
      return blamed(
        await c.lab.measure({ kernel, config: c.config, args: [x, y, c.n] }, options),
        /another stream or thread/,
      );
    },
  },
  {
    way: "an output cached from an earlier call with the same pointer",
    devices: ["cpu", "cuda"],
    async cheat(c) {
      const x = c.normal(1);
      const y = c.dev.empty([c.n]);
      const check = (await c.checker(x))(y);
      const { kernels: both } = await c.dev.compileModule(kernels.cached);
      const target = [
        { kernel: both.cached, config: c.config, args: [x, y, c.n] },
        { kernel: both.remember, config: { grid: 1, block: 1 }, args: [x] },
      ];
      return caught(await c.lab.measure(target, { ...c.counts, outputs: [y], inputs: [x], check }), /output is wrong/);
    },
    clean: (c) => kernelFixture("", kernels.honest, /output is wrong/).clean(c),
  },
  kernelFixture("a kernel that does nothing, and a check that finds everything right", kernels.nothing, /wrote nothing to y/, {
    check: gullible,
  }),
  kernelFixture("a kernel that writes zeros", kernels.zeros, /output is wrong/),
  kernelFixture("a kernel that writes zeros, and a check that tolerates them", kernels.zeros, /y is all zeros/, {
    check: tolerant,
  }),
  {
    way: "an output in the memory that the reference just left",
    devices: ["cpu", "cuda"],
    async cheat(c) {
      const x = c.normal(1);
      const check = await c.checker(x);
      const reference = c.dev.empty([c.n]);
      await (await c.compile(kernels.honest)).launch(c.config, x, reference, c.n);
      await c.dev.sync();
      reference.free();
      const y = c.dev.empty([c.n]);
      const kernel = await c.compile(kernels.nothing);
      const record = await c.lab.measure(
        { kernel, config: c.config, args: [x, y, c.n] },
        { ...c.counts, outputs: [y], check: check(y) },
      );
      return caught(record, /output is wrong/);
    },
    clean: (c) => kernelFixture("", kernels.honest, /output is wrong/).clean(c),
  },
  kernelFixture("an input changed by the kernel, and a check that reads it afterwards", kernels.meddler, /changed its input x/, {
    check: async (_, x, y) => async () => {
      const [input, output] = [await x.read(), await y.read()];
      return { passed: output.every((v, i) => v === 2 * input[i]), compared: output.length };
    },
  }),
  kernelFixture("NaN, and a check that lets it through", kernels.nan, /y holds 1 NaN/, { check: letsNanThrough }),
  ...Object.entries(easy).map(([what, make]) => ({
    way: `inputs of ${what}`,
    devices: ["cpu", "cuda"],
    async cheat(c) {
      return caught(await onInput(c, make(c)), /input x (is|holds)|of the input x is zero/);
    },
    async clean(c) {
      return blamed(await onInput(c, c.normal(5)), /input x (is|holds)|of the input x is zero/);
    },
  })),
  kernelFixture("faster than physics", kernels.honest, /faster than physics/, { bytes: (c) => (c.claims ? 1e15 : 8 * c.n) }),
  seriesFixture("drift", (i) => 1 + 0.005 * i, /the second half is [\d.]+% slower/),
  seriesFixture("two modes", (i) => (i % 3 === 0 ? 1.12 : 1), /^two modes/),
  // One sample in twenty that something disturbed is no second mode: the clean twin has those.
  seriesFixture(
    "two modes behind disturbed samples",
    (i) => (i % 17 === 5 ? 3 + i : i % 2 === 0 ? 1.12 : 1),
    /^two modes/,
    (i) => (i % 20 === 7 ? 1.12 : 1),
  ),
  seriesFixture("a step of the clock", (i) => (i < 15 ? 1.12 : 1), /made a step/),
  countedFixture("drift of a real kernel", "drifting", [4000, 60], /the second half is [\d.]+% slower/),
  countedFixture("two modes of a real kernel", "moody", [4000, 800], /two modes/),
  {
    way: "lines that persist in the L2 cache through the flush",
    devices: ["cuda"],
    async cheat(c) {
      const ratio = await clinging(c, {});
      return ratio > 0.95 ? `cold all the same: ${ratio.toFixed(3)} of the time of plain loads` : null;
    },
    async clean(c) {
      // Without a flush the cache does what it is for: the same kernel is clearly faster, so there was something to catch.
      const ratio = await clinging(c, { flushL2: false }, {});
      return ratio < 0.9 ? null : `unflushed it takes ${ratio.toFixed(3)} of the cold time: the fixture shows nothing`;
    },
  },
  {
    way: "a missing barrier that happens to pass",
    devices: ["cpu"],
    needs: "explore",
    cheat: (c) => explored(c, kernels.unsynced),
    clean: (c) => explored(c, kernels.synced),
  },
  {
    way: "rounding before storing",
    devices: ["cpu", "cuda"],
    async cheat(c) {
      const record = await onInput(c, c.normal(5));
      return judged(c, record, record.samples.map((s) => Number(s.toPrecision(3))));
    },
    async clean(c) {
      const record = await onInput(c, c.normal(5));
      return judged(c, record, record.samples);
    },
  },
  {
    way: "a clock that was throttled",
    devices: ["cpu", "cuda"],
    async cheat(c) {
      const record = await onInput(c, c.normal(5));
      const reading = { ...record.state[0], smClockHz: 1.2e9, throttleReasons: ["software-power-cap"] };
      const verdict = c.lab.judge({ ...evidence(c, record), state: [reading] });
      return verdict.throttled ? verdict.reasons.find((r) => /throttled/.test(r)) : null;
    },
    async clean(c) {
      const record = await onInput(c, c.normal(5));
      return blamed(record, /throttled/);
    },
  },
];

// The last fixture but for its claim: the clean twin claims the bytes it moves.
for (const fixture of exports.fixtures.filter(({ way }) => way === "faster than physics")) {
  const { cheat } = fixture;
  fixture.cheat = (c) => cheat({ ...c, claims: true });
}

async function strayed(c, stream) {
  const x = c.normal(1);
  const y = c.dev.empty([c.n]);
  const z = c.dev.empty([c.n]);
  const { kernels: k } = await c.dev.compileModule(kernels.drifting, { names: ["drifting"] });
  const rounds = c.cuda ? 4000 : 400;
  const work = (out, on) => () => k.drifting.enqueue({ ...c.config, ...(on ? { stream: on } : {}) }, x, out, c.n, rounds, 0);
  const options = (out, check) => ({ ...c.counts, device: c.dev, outputs: [out], inputs: [x], check });
  const check = await c.checker(x);
  const { a, b, comparison } = await c.lab.compare({
    a: { target: work(y), options: options(y, check(y)) },
    b: { target: work(z, stream), options: options(z, check(z)) },
  });
  return { record: a, strayed: b, ratio: comparison.ratio };
}

async function onInput(c, x) {
  const y = c.dev.empty([c.n]);
  const check = (await c.checker(x))(y);
  const kernel = await c.compile(kernels.honest);
  return c.lab.measure({ kernel, config: c.config, args: [x, y, c.n] }, { ...c.counts, outputs: [y], check });
}

/** What random schedules of threads show of a kernel of shared memory; null where each leaves the same, cleanly. */
async function explored(c, source) {
  const n = 512;
  const x = c.dev.randn([n], { seed: 4 });
  const y = c.dev.empty([n]);
  const found = await c.lab.explore(await c.compile(source), { grid: 2, block: 256 }, [x, y, n], { schedules: 6 });
  return found.clean && found.deterministic ? null : found.text.split("\n")[0];
}

/** The ratio of the clinging kernel's time to the plain one's, on data that fits the cache. */
async function clinging(c, own, other = own) {
  const n = Math.floor(c.dev.info.l2Bytes / 2 / 4 / 1024) * 1024;
  const x = c.dev.randn([n], { seed: 2 });
  const config = { grid: 8 * c.dev.info.multiprocessors, block: 256 };
  const y = c.dev.empty([config.grid * config.block]);
  const { kernels: k } = await c.dev.compileModule(kernels.clinging);
  const time = async (kernel, options) => {
    const record = await c.lab.measure({ kernel, config, args: [x, y, n] }, { ...c.counts, ...options, rotate: 1 });
    return record.statistics.median;
  };
  return (await time(k.clinging, own)) / (await time(k.loose, other));
}

function evidence(c, record) {
  return { kind: c.dev.kind, ...record, floorSeconds: null, l2Bytes: c.dev.info.l2Bytes };
}

function judged(c, record, samples) {
  const verdict = c.lab.judge({ ...evidence(c, record), samples, statistics: c.lab.summarize(samples) });
  return verdict.reasons.find((r) => /rounded/.test(r)) ?? null;
}

exports.context = context;
