/** A program in ncu's place: runs what it is told to, then says what a test wants it to say. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

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
