import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Replay } from "kernel-lab/dist/backend/replay";
import { findTorch } from "kernel-lab/dist/baselines/run";
import { duelRows } from "kernel-lab/dist/cli/duel";
import { LabError } from "kernel-lab/dist/core/error";
import { homePath } from "kernel-lab/dist/core/paths";
import { duel, finish } from "kernel-lab/dist/duel/duel";
import { chosenCases, type DuelLimits, type DuelPlan, writeJob } from "kernel-lab/dist/duel/job";
import { type DuelResult, readResult, recordsOf } from "kernel-lab/dist/duel/records";
import { duelSuite, rungsFor } from "kernel-lab/dist/duel/suites";
import * as attention from "kernel-lab/dist/ops/attention";
import { readRun } from "kernel-lab/dist/record/store";
import type { Device } from "kernel-lab/dist/runtime/device";
import { open } from "kernel-lab/dist/runtime/open";
import { standingOf } from "kernel-lab/dist/show/standing";
import { buildFakeDriver } from "../native/cuda-fake";

const code = (expected: string) => (error: unknown) => LabError.is(error, expected);
const limits: DuelLimits = { rounds: 100, fewest: 30, seconds: 1, limit: 60 };
const scratch = mkdtempSync(join(tmpdir(), "kernel-lab-duel-test-"));
const work = join(scratch, "work");
const baselines = homePath("lib", "src", "baselines");
let device: Device;
let plan: DuelPlan;

before(async () => {
  device = await open("cpu");
  plan = await writeJob(device, duelSuite("softmax"), work, { rungs: ["02_block", "6"] }, limits);
});
after(async () => {
  await device.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** Runs Python with the programs' folder on its path and answers what it printed, parsed. */
function python<T>(program: string, environment: Record<string, string> = {}, interpreter = "python3"): T {
  const env = { ...process.env, PYTHONPATH: baselines, PYTHONDONTWRITEBYTECODE: "1", ...environment };
  return JSON.parse(execFileSync(interpreter, ["-c", program], { env, encoding: "utf8" })) as T;
}

test("a job holds the launches with names in place of the buffers' contents", () => {
  const [only] = plan.job.cases;
  assert.deepEqual(
    only?.ours.map((o) => o.id),
    ["softmax/02_block", "softmax/06_split"],
  );
  assert.deepEqual(Object.keys(only?.tensors ?? {}), ["x", "y"]);
  assert.deepEqual(JSON.parse(readFileSync(join(work, "job.json"), "utf8")), plan.job);
  const folder = join(work, only!.ours[1]!.folder);
  const replay = JSON.parse(readFileSync(join(folder, "replay.json"), "utf8")) as Replay;
  assert.deepEqual(replay.buffers.map((b) => b.name).sort(), ["pairs", "x", "y"]);
  assert.ok(replay.buffers.every((b) => b.file === null && b.bytes > 0));
  assert.equal(existsSync(join(folder, "buffer-0")), false);
  assert.ok(existsSync(join(folder, replay.modules[0]!.file)));
});

test("Python fills the holes of an argument block with addresses and tensor maps", () => {
  const folder = join(work, plan.job.cases[0]!.ours[0]!.folder);
  const block = python<{ x: string; y: string; rows: number; cols: number; map: string; refused: string }>(`
import base64, json, struct
from duel_launch import patched, read_replay
replay = read_replay(${JSON.stringify(folder)})
at = {"x": 0x1000, "y": 0x7f0000002000}
x, y, rows, cols = struct.unpack_from("<QQii", patched(replay["launches"][0], [at[b["name"]] for b in replay["buffers"]], []))
hole = {"args": base64.b64encode(bytes(200)).decode(), "patches": [
  {"offset": 64, "kind": "tensorMap", "index": 0, "delta": 0}, {"offset": 8, "kind": "buffer", "index": 0, "delta": 24}]}
whole = patched(hole, [0x500], [bytes(range(128))])
assert whole[:8] == bytes(8) and struct.unpack_from("<Q", whole, 8) == (0x518,) and whole[192:] == bytes(8)
try: patched(hole, [0], [bytes(64)]); refused = ""
except ValueError as error: refused = str(error)
print(json.dumps({"x": hex(x), "y": hex(y), "rows": rows, "cols": cols, "map": whole[64:192].hex(), "refused": refused}))`);
  const { rows, cols } = plan.job.cases[0]!.case.params;
  assert.deepEqual([block.x, block.y, block.rows, block.cols], ["0x1000", "0x7f0000002000", rows, cols]);
  assert.equal(block.map, Buffer.from(Array.from({ length: 128 }, (_, i) => i)).toString("hex"));
  assert.match(block.refused, /128 bytes, this one 64/);
});

test("Python launches a replay through the driver: shared memory, clusters and maps as asked", () => {
  const driver = buildFakeDriver();
  try {
    const folder = join(scratch, "one");
    mkdirSync(folder);
    writeFileSync(
      join(folder, "module-0"),
      Buffer.concat([Buffer.from("\x7fELF", "latin1"), Buffer.alloc(64)]),
    );
    const map = {
      ...{
        buffer: 0,
        offset: 0,
        dataType: 6,
        dims: [64, 32],
        strides: [128],
        box: [64, 16],
        elementStrides: [1, 1],
      },
      ...{ interleave: 0, swizzle: 3, l2Promotion: 2, oobFill: 0 },
    };
    const launch = {
      ...{
        module: 0,
        entry: 0,
        grid: [8, 1, 1],
        block: [384, 1, 1],
        cluster: [2, 1, 1],
        dynamicShared: 99_000,
      },
      ...{ flags: 2, args: Buffer.alloc(136).toString("base64") },
      patches: [
        { offset: 0, kind: "tensorMap", index: 0, delta: 0 },
        { offset: 128, kind: "buffer", index: 0, delta: 0 },
      ],
    };
    const replay = {
      ...{ kind: "cuda", maps: [map], launches: [launch] },
      modules: [{ file: "module-0", entries: [{ name: "tma", symbol: "tma" }] }],
      buffers: [{ file: null, name: "q", bytes: 4096, variable: null }],
    };
    writeFileSync(join(folder, "replay.json"), JSON.stringify(replay));
    const log = join(scratch, "calls.log");
    const held = python<{ names: string[]; block: string }>(
      `
import json
from duel_launch import Driver, Work
names = []
work = Work(Driver(${JSON.stringify(join(driver, "libcuda.so.1"))}), ${JSON.stringify(folder)}, lambda b: names.append(b["name"]) or 0x4000)
work(0)
print(json.dumps({"names": names, "block": work.launches[0].block.raw.hex()}))`,
      { FAKE_CUDA_LOG: log },
    );
    const calls = readFileSync(log, "utf8");
    assert.deepEqual(held.names, ["q"]);
    assert.equal(held.block, `${"ab".repeat(128)}0040000000000000`);
    assert.match(calls, /tensor map type 6 rank 2 dims 64,32 stride 128 box 64,16 enums 0 3 2 0 aligned 1/);
    assert.match(calls, /launchEx tma grid 8,1,1 cluster 2,1,1 attribute 6=1/);
    assert.match(calls, /99000/);
  } finally {
    rmSync(driver, { recursive: true, force: true });
  }
});

/** A result as the program writes it: ours a fifth faster than the peers. */
function resultOf(changes: { wrong?: boolean } = {}): DuelResult {
  const check = (error: number, passed = true) => ({
    ...{ passed, compared: 100, maxAbs: 4 * error, meanAbs: error, maxRel: 0.1, meanRel: 0.01, rms: error },
    ...{ tolerance: "|error| <= 1e-3", mismatch: passed ? null : "y holds 3 NaN of 100 values" },
  });
  const series = (seconds: number) =>
    Array.from({ length: 40 }, (_, i) => seconds * (1 + ((i * 7) % 11) * 1e-5));
  const contender = (id: string, seconds: number, error: number, ours = false) => ({
    ...{ id, name: id.replace("torch/", "torch "), ours, samples: series(seconds) },
    ...{ check: check(error, !(ours && changes.wrong)), inputBytes: 1000, extraBytes: ours ? 50 : 500 },
  });
  const reading = { smClockHz: 1.9e9, memoryClockHz: 3e9, temperatureC: 40, powerW: 300, powerLimitW: 700 };
  return readResult(
    JSON.stringify({
      ...{ packages: { torch: "9.9" }, flushBytes: 2 ** 30, eventOverhead: 2e-6, persistingReset: true },
      cases: [
        {
          ...{ index: 0, warmup: 5, state: [{ at: 0, ...reading, throttleReasons: [] }] },
          contenders: [
            contender("softmax/02_block", 1.000123e-3, 1.1e-4, true),
            contender("torch/flash", 1.200456e-3, 1e-4),
            contender("torch/naive", 1.500789e-3, 1e-4),
          ],
          failures: [
            { id: "torch/compiled", name: "torch compiled", kind: "skipped", reason: "ImportError: none" },
          ],
        },
      ],
    }),
  );
}

test("a result becomes records of one run that standing pairs", () => {
  writeFileSync(join(work, "result.json"), JSON.stringify(resultOf()));
  const { file, failures } = finish(plan, work, "", join(scratch, "results"));
  const run = readRun(file!);
  assert.equal(run.writer, "kernel-lab duel");
  assert.equal(run.environment.packages.torch, "9.9");
  assert.deepEqual(
    run.records.map((r) => [
      r.implementation.id,
      r.implementation.kind,
      r.verdict.verdict,
      r.method.interleaved,
    ]),
    [
      ["softmax/02_block", "ours", "trusted", true],
      ["torch/flash", "baseline", "trusted", true],
      ["torch/naive", "baseline", "trusted", true],
    ],
  );
  const [ours] = run.records;
  assert.match(ours!.implementation.sourceHash ?? "", /^[0-9a-f]{16}$/);
  assert.deepEqual(ours!.memory, { usedBytes: 1000, peakBytes: 1050 });
  assert.match(
    ours!.notes.join("\n"),
    /over that of torch\/flash on the same inputs: mean 1\.100x.*1\.100x \(goal at most 1\.2x\)/,
  );
  assert.deepEqual(
    failures.map((f) => [f.kind, f.implementation.id]),
    [["skipped", "torch/compiled"]],
  );
  const [standing] = standingOf([run]);
  assert.equal(standing?.sameRun, true);
  assert.equal(standing?.best?.implementation, "torch flash");
  assert.equal(standing?.outcome, "faster");
  assert.ok(Math.abs((standing?.ratio?.value ?? 0) - 1.2) < 0.01);
  const rows = duelRows(recordsOf(plan, resultOf()).records);
  assert.deepEqual(
    rows.map((r) => r["best peer"]),
    ["1.200x", "1.000x", "0.800x"],
  );
  assert.equal(rows[0]!.error, "1.100x");
  assert.deepEqual([rows[0]!.memory, rows[0]!["less than naive"]], ["50.0 B", "10.0x"]);
});

test("a wrong output is rejected, and a case the program never came to is a failure", () => {
  const wrong = recordsOf(plan, resultOf({ wrong: true })).records[0]!;
  assert.equal(wrong.verdict.verdict, "rejected");
  assert.match(wrong.verdict.reasons.join(), /3 NaN/);
  const { records, failures } = recordsOf(plan, { ...resultOf(), cases: [] });
  assert.equal(records.length, 0);
  assert.deepEqual(
    failures.map((f) => f.implementation.id),
    ["softmax/02_block", "softmax/06_split"],
  );
  rmSync(join(work, "result.json"), { force: true });
  assert.throws(() => finish(plan, work, "Traceback: no GPU"), code("duel-failed"));
  assert.throws(() => readResult('{"cases": 1}'), code("bad-duel"));
});

test("cases and rungs are chosen by words, and what does not exist is named", () => {
  const suite = duelSuite("softmax");
  const [c] = chosenCases(suite, device, {});
  assert.equal(chosenCases(suite, device, { cases: [c!.name] }).length, 1);
  assert.throws(() => chosenCases(suite, device, { cases: ["S999"] }), code("no-such-case"));
  assert.throws(() => rungsFor(suite, device.info, c!, ["99_none"]), code("no-such-variant"));
  assert.throws(() => duelSuite("fft"), code("no-such-suite"));
  assert.ok(rungsFor(suite, device.info, c!, undefined).length > 0);
});

test("a duel without a GPU's torch, or of what is no suite, says what is missing", async (t) => {
  await assert.rejects(duel("fft"), code("no-such-suite"));
  if ((await findTorch())?.cuda)
    return t.skip("torch has a GPU here: lab duel softmax holds the duel itself");
  await assert.rejects(duel("softmax"), code("no-torch"));
});

test("a duel's check takes PyTorch's own attention, and neither a small error nor a hole", async (t) => {
  const torch = await findTorch();
  if (!torch) return t.skip("no Python here has torch: python3 -m pip install torch");
  const suite = duelSuite("attention");
  const c = attention.makeCase({
    batch: 2,
    heads: 4,
    keyHeads: 2,
    queries: 130,
    keys: 200,
    headDim: 64,
    causal: true,
  });
  const job = {
    case: { dtype: c.dtype },
    op: suite.describe(c),
    tensors: suite.tensors(c),
    outputs: suite.outputs,
  };
  const results = python<{ passed: boolean; mismatch: string | null; rms: number }[]>(
    `
import json, torch, types
from duel_attention import Attention
case = Attention(json.loads(${JSON.stringify(JSON.stringify(job))}), "cpu")
k, v = (x.repeat_interleave(2, 1).double() for x in (case.k, case.v))
scores = (case.q.double() @ k.mT * case.c["scale"]).masked_fill(case.hidden(list(range(130))), float("-inf"))
out, lse = (torch.softmax(scores, -1) @ v).half(), torch.logsumexp(scores, -1).float()
found = []
def check(out, lse):
    r = case.check(types.SimpleNamespace(id="ours", ours=True, outputs=lambda: {"out": out, "lse": lse}))
    found.append({n: r[n] for n in ("passed", "mismatch", "rms")})
check(out, lse)
check(out * 1.02, lse)
check(out, lse + 0.01)
hole = out.clone(); hole[1, 2, 3, 4] = float("nan")
check(hole, lse)
print(json.dumps(found))`,
    {},
    torch.python,
  );
  assert.deepEqual(
    results.map((r) => r.passed),
    [true, false, false, false],
  );
  assert.ok(results[0]!.rms > 0 && results[0]!.rms < 1e-3);
  assert.match(results[1]!.mismatch ?? "", /^head 0 at/);
  assert.match(results[2]!.mismatch ?? "", /^lse of head 0/);
  assert.match(results[3]!.mismatch ?? "", /out holds 1 NaN of 66560/);
});
