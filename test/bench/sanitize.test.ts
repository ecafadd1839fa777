import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { parseSanitizer, runSanitizer } from "kernel-lab/dist/bench/sanitize";
import { saveReplay } from "kernel-lab/dist/runtime/replay";
import { fakeNcu } from "./fakeNcu";

const memcheck = `========= COMPUTE-SANITIZER
========= Invalid __global__ write of size 4 bytes
=========     at void wild<float>(T1 *, int)+0x50 in wild.cu:13
=========     by thread (3,0,0) in block (1,0,0)
=========     Access at 0x7f2c00000200 is out of bounds
=========     and is 1 bytes after the nearest allocation at 0x7f2c00000000 of size 512 bytes
=========         Host Frame: cuLaunchKernelEx in libcuda.so.1
========= 
========= Program hit CUDA_ERROR_LAUNCH_FAILED (error 719) due to "unspecified launch failure" on CUDA API call to cuCtxSynchronize.
=========     Saved host backtrace up to driver entry point at error
=========         Host Frame: [0x2f3a] in libcuda.so.1
========= 
========= Target application returned an error
========= ERROR SUMMARY: 2 errors
`;
const racecheck = `========= COMPUTE-SANITIZER
========= Error: Race reported between Write access at reduce(const float *, float *, int)+0x1a0 in reduce.cu:9
=========     and Read access at reduce(const float *, float *, int)+0x220 in reduce.cu:11 [128 hazards]
========= 
========= RACECHECK SUMMARY: 1 hazard displayed (1 error, 0 warnings)
`;

test("parseSanitizer() tells kernel and line of an address error, and leaves summaries out", () => {
  const findings = parseSanitizer("memcheck", memcheck);
  assert.equal(findings.length, 1);
  const [found] = findings;
  assert.equal(found?.what, "Invalid __global__ write of size 4 bytes");
  assert.equal(found?.kernel, "void wild<float>(T1 *, int)");
  assert.deepEqual(found?.line, { file: "wild.cu", line: 13 });
  assert.match(found?.text ?? "", /by thread \(3,0,0\) in block \(1,0,0\)/);
});

test("parseSanitizer() tells a race's first place", () => {
  const [found] = parseSanitizer("racecheck", racecheck);
  assert.equal(found?.what, "Error: Race reported between Write access");
  assert.deepEqual([found?.kernel, found?.line?.line], ["reduce(const float *, float *, int)", 9]);
  assert.match(found?.text ?? "", /Read access .* in reduce\.cu:11/);
  assert.deepEqual(
    parseSanitizer("synccheck", "========= COMPUTE-SANITIZER\n========= ERROR SUMMARY: 0 errors\n"),
    [],
  );
});

let device: lab.Device;
let folder: string;
before(async () => {
  device = await lab.open("cpu", { workers: 1 });
  folder = mkdtempSync(join(tmpdir(), "lab-sanitize-"));
  const kernel = await device.compile(
    'extern "C" __global__ void store(int* x, long long at) { x[at] = 1; }',
  );
  const x = device.zeros([32], { dtype: "i32" });
  await saveReplay(join(folder, "fine"), [{ kernel, config: { grid: 1, block: 1 }, args: [x, 0] }]);
  await saveReplay(join(folder, "wild"), [{ kernel, config: { grid: 1, block: 1 }, args: [x, 2 ** 40] }]);
});
after(async () => {
  await device.close();
  rmSync(folder, { recursive: true, force: true });
});

test("runSanitizer() runs the tool over the replay, and says when a failing launch cut it short", async (t) => {
  const fake = fakeNcu({ log: memcheck });
  t.after(fake.remove);
  const run = { program: fake.path, tool: "memcheck" as const, timeLimit: 60 };
  const fine = await runSanitizer({ ...run, folder: join(folder, "fine") });
  assert.deepEqual([fine.findings.length, fine.cut], [1, null]);
  assert.match(readFileSync(join(fake.folder, "arguments"), "utf8"), /^--tool memcheck .*--log-file/);
  const wild = await runSanitizer({ ...run, folder: join(folder, "wild") });
  assert.match(wild.cut ?? "", /illegal-address in kernel store/);
});

test("runSanitizer() tells a refusal from a clean run", async (t) => {
  for (const [log, code] of [
    [
      "========= COMPUTE-SANITIZER\n========= Error: Device not supported.\n========= ERROR SUMMARY: 0 errors\n",
      1,
    ],
    ["", 1],
  ] as const) {
    const fake = fakeNcu({ log, code });
    t.after(fake.remove);
    const run = {
      program: fake.path,
      tool: "synccheck" as const,
      folder: join(folder, "fine"),
      timeLimit: 60,
    };
    await assert.rejects(runSanitizer(run), { code: "sanitizer-failed" });
  }
});

test("sanitize() needs a GPU", async () => {
  const kernel = await device.compile('extern "C" __global__ void idle() {}');
  await assert.rejects(lab.sanitize([{ kernel, config: { grid: 1, block: 1 }, args: [] }]), {
    code: "needs-gpu",
  });
});
