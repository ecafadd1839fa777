import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { env } from "../core/env";
import { LabError } from "../core/error";
import { dataPath, homePath } from "../core/paths";
import { recordedRuns } from "./recorded";

/** A Python that can import torch. */
export interface TorchPython {
  readonly python: string;
  readonly torch: string;
  readonly cuda: boolean;
}

/** How the baselines are run. */
export interface BaselineOptions {
  /** Tiny sizes, to try it. */
  readonly quick?: boolean;
  readonly suites?: readonly string[];
  /** Folder of the document; default data/baselines. */
  readonly out?: string;
  /** Seconds after which cases are skipped; default 220. */
  readonly budget?: number;
  /** Called with each line the program prints. */
  readonly onLine?: (line: string) => void;
  /** Called with the case just measured, how many there are so far, and how many there were the last time. */
  readonly onProgress?: (what: string, done: number, total: number) => void;
}

/** Finds a Python with torch: VIRTUAL_ENV's, the lab's own, then the one on PATH; null when none has it. */
export async function findTorch(): Promise<TorchPython | null> {
  const venv = env("VIRTUAL_ENV");
  const candidates = [
    ...(venv ? [`${venv}/bin/python`] : []),
    homePath(".lab", "venv", "bin", "python"),
    "python3",
  ];
  for (const python of candidates) {
    if (python.includes("/") && !existsSync(python)) continue;
    try {
      const code = "import torch; print(torch.__version__, int(torch.cuda.is_available()))";
      const { stdout } = await promisify(execFile)(python, ["-c", code], { timeout: 60_000 });
      const [torch, cuda] = stdout.trim().split(" ");
      return { python, torch: torch!, cuda: cuda === "1" };
    } catch {
      // No torch here: try the next one.
    }
  }
  return null;
}

/**
 * Measures PyTorch's own kernels at the lab's shapes with the lab's method and answers the written document's path.
 *
 * @throws LabError "no-torch" where no Python has torch, "baseline-failed" with the program's last lines
 * @example await lab.runBaselines({ onLine: console.log })
 */
export async function runBaselines(options: BaselineOptions = {}): Promise<string> {
  const found = await findTorch();
  if (!found) {
    throw new LabError("no-torch", "Running the PyTorch baselines: no Python found here can import torch.", {
      advice: "pip install torch, or use the recorded ones: lab.recordedBaselines().",
    });
  }
  const args = [
    homePath("lib", "src", "baselines", "torch_baselines.py"),
    "--out",
    options.out ?? dataPath("baselines"),
  ];
  if (options.quick) args.push("--quick");
  if (options.suites) args.push("--suites", options.suites.join(","));
  if (options.budget !== undefined) args.push("--budget", String(options.budget));
  const expected = options.quick ? 0 : expectedCases(options.suites);
  let done = 0;
  const output = await runProgram(found.python, args, (line) => {
    options.onLine?.(line);
    const what = caseLine.exec(line)?.[1];
    if (what) options.onProgress?.(what, ++done, Math.max(expected, done + 1));
  });
  const path = output
    .trim()
    .split("\n")
    .at(-1)
    ?.match(/: (.+\.json)$/)?.[1];
  if (path) return path;
  throw new LabError(
    "baseline-failed",
    `Running the PyTorch baselines: ${output.trim().split("\n").slice(-3).join(" | ")}`,
    {
      advice: `Run it by hand to see everything: ${found.python} ${args.join(" ")}`,
    },
  );
}

// "softmax 65536x4096 f16 torch eager: 0.6 ms": a line a case.
const caseLine = /^((?:softmax|matmul|moe|attention) .+): /;

/** How many cases the newest recorded run of the program had: its cases change seldom, and no list of them exists before. */
function expectedCases(suites: readonly string[] | undefined): number {
  const last = recordedRuns()
    .runs.filter((run) => run.writer === "torch_baselines")
    .at(-1);
  const cases = [...(last?.records ?? []), ...(last?.failures ?? [])].map((r) => r.case.suite);
  return cases.filter((suite) => suites?.includes(suite) ?? true).length;
}

/** Runs a Python program and answers what it printed, errors included, however it ended. */
export function runProgram(python: string, args: string[], onLine?: (line: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    });
    let output = "";
    const take = (chunk: Buffer) => {
      output += chunk;
      if (onLine) for (const line of chunk.toString().split("\n")) if (line) onLine(line);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("error", (cause) =>
      reject(
        new LabError("baseline-failed", `Starting ${python}: ${cause.message}.`, {
          advice: "Check that Python runs.",
          cause,
        }),
      ),
    );
    child.on("close", () => resolve(output));
  });
}
