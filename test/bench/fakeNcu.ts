/** A program in ncu's place: runs what it is told to, then says what a test wants it to say. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as lab from "kernel-lab";
import { type ProgramEnd, runProgram } from "kernel-lab/dist/bench/ncu";
import { buildFakeDriver } from "../native/cuda-fake";

/** What the fake answers. */
export interface FakeAnswer {
  /** Written to the file of --log-file, as ncu does with all of its own output. */
  readonly log: string;
  readonly code?: number;
  /** Runs the program it was given first, as ncu does; default true. */
  readonly runs?: boolean;
  /** Seconds to sleep before it answers. */
  readonly sleeps?: number;
}

/** A folder with a program called ncu in it that answers so. `remove` cleans up. */
export function fakeNcu(answer: FakeAnswer): { folder: string; path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "lab-fake-ncu-"));
  const path = join(folder, "ncu");
  writeFileSync(join(folder, "log"), answer.log);
  writeFileSync(
    path,
    `#!/bin/sh
echo "$@" > "${folder}/arguments"
while [ "$1" != --log-file ]; do shift; done
log=$2; shift 2
${answer.sleeps ? `sleep ${answer.sleeps}` : ""}
${answer.runs === false ? "" : '"$@"'}
cat "${folder}/log" > "$log"
exit ${answer.code ?? 0}
`,
    { mode: 0o755 },
  );
  return { folder, path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The table of ncu's raw page in CSV: a header, a line of units, a line a launch. */
export function ncuTable(
  metrics: Readonly<Record<string, string>>,
  launches: readonly { readonly kernel: string; readonly values: readonly string[] }[],
): string {
  const fixed = ["ID", "Process ID", "Process Name", "Host Name", "Kernel Name", "Context", "Stream"];
  const header = [...fixed, "Block Size", "Grid Size", "Device", "CC", ...Object.keys(metrics)];
  const units = [...Array(11).fill(""), ...Object.values(metrics)];
  const rows = launches.map(({ kernel, values }, i) => [
    ...[String(i), "4242", "node", "127.0.0.1", kernel, "1", "7", "(64, 1, 1)", "(2, 1, 1)", "0", "9.0"],
    ...values,
  ]);
  const line = (cells: readonly string[]) => cells.map((cell) => `"${cell}"`).join(",");
  return [
    "==PROF== Connected to process 4242 (/usr/bin/node)",
    ...launches.map(({ kernel }) => `==PROF== Profiling "${kernel}": 0%....50%....100% - 4 passes`),
    "==PROF== Disconnected from process 4242",
    ...[header, units, ...rows].map(line),
    "",
  ].join("\n");
}

/** Why nothing can be compiled for a GPU here, or null. */
export async function whyNoNvrtc(): Promise<string | null> {
  try {
    await lab.compileCuda('extern "C" __global__ void probe() {}');
    return null;
  } catch (error) {
    if (lab.LabError.is(error, "no-compiler")) return error.message;
    throw error;
  }
}

/**
 * Runs a program on a fake GPU with a fake ncu on PATH: the body of an async function that has `lab` and a `device`, and
 * answers what is printed as JSON. A process of its own, because a library's search folders are found once. Kernels take
 * a pointer and an int, for that is what the fake driver says of all of them.
 */
export async function onFakeGpu(
  body: string,
  log: string,
): Promise<{ end: ProgramEnd; answer: unknown; launches: string[] }> {
  const driver = buildFakeDriver();
  const ncu = fakeNcu({ log });
  try {
    const program = join(driver, "main.cjs");
    const library = join(lab.packageRoot, "dist");
    writeFileSync(
      program,
      `const library = ${JSON.stringify(library)};
const lab = require(library + "/index.js");
(async () => {
  const device = await lab.open("cuda");
  const answer = await (async () => {${body}})();
  console.log(JSON.stringify(answer));
  await device.close();
})().catch((error) => { console.error(error); process.exit(1); });
`,
    );
    const calls = join(driver, "calls.log");
    const end = await runProgram(process.execPath, [program], 60, {
      ...process.env,
      PATH: `${ncu.folder}:${process.env.PATH}`,
      KERNEL_LAB_CUDA_PATH: [driver, process.env.KERNEL_LAB_CUDA_PATH ?? ""].join(":"),
      FAKE_CUDA_LOG: calls,
    });
    const launches = existsSync(calls) ? (readFileSync(calls, "utf8").match(/^launch .*$/gm) ?? []) : [];
    return { end, answer: end.code === 0 ? JSON.parse(end.output) : null, launches };
  } finally {
    ncu.remove();
    rmSync(driver, { recursive: true, force: true });
  }
}
