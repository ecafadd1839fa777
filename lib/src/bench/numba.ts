import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { LabError } from "../core/error";
import { homePath } from "../core/paths";

const run = promisify(execFile);

/** What Numba's simulator took on the same kernel, at a size it can finish. */
export interface NumbaReading {
  readonly version: string;
  readonly rows: number;
  readonly cols: number;
  readonly secondsPerElement: number;
}

/**
 * Runs numba_softmax.py under Numba's CUDA simulator, installing Numba into .lab/numba the first time.
 *
 * Answers the error instead of throwing it: the comparison is an extra and must not cost the other figures.
 */
export async function readNumba(): Promise<NumbaReading | LabError> {
  try {
    const python = await pythonWithNumba();
    const { stdout } = await run(python, [homePath("lib", "src", "bench", "numba_softmax.py")], {
      timeout: 120_000,
      env: { ...process.env, NUMBA_ENABLE_CUDASIM: "1" },
    });
    return JSON.parse(stdout.trim().split("\n").at(-1)!) as NumbaReading;
  } catch (cause) {
    if (LabError.is(cause)) return cause;
    return new LabError("no-numba", "Comparing with Numba's simulator: Numba could not be run.", {
      advice: "pip install numba into .lab/numba, or into the Python on PATH.",
      cause,
    });
  }
}

async function pythonWithNumba(): Promise<string> {
  const own = homePath(".lab", "numba", "bin", "python");
  for (const python of [own, homePath(".lab", "venv", "bin", "python"), "python3"]) {
    if (python.includes("/") && !existsSync(python)) continue;
    if (await works(python, ["-c", "import numba"])) return python;
  }
  if (!existsSync(own)) await run("python3", ["-m", "venv", homePath(".lab", "numba")], { timeout: 60_000 });
  await run(own, ["-m", "pip", "install", "--quiet", "numba"], { timeout: 240_000 });
  return own;
}

async function works(program: string, args: string[]): Promise<boolean> {
  try {
    await run(program, args, { timeout: 30_000 });
    return true;
  } catch {
    return false;
  }
}
