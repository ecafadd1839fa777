/** The project's own Python environment, .lab/venv: Jupyter to show notebooks, NVRTC to compile without a GPU. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inRoot, report, run, SetupError, since, stateFolder } from "./project.mjs";

/** The environment's folder. */
export const environment = join(stateFolder, "venv");
/** Path of one of its programs. */
export const program = (name) => join(environment, "bin", name);
/** Its Jupyter data folder, where kernels are registered. */
export const jupyterData = join(environment, "share", "jupyter");

const PACKAGES = {
  jupyter: ["jupyterlab>=4.2,<5", "nbconvert>=7,<8", "nbclient>=0.10,<1"],
  // NVIDIA's run-time compiler and the headers kernels include; no GPU and no toolkit needed.
  nvrtc: [
    "nvidia-cuda-nvrtc==13.0.*",
    "nvidia-cuda-runtime==13.0.*",
    "nvidia-cuda-cccl==13.0.*",
    "nvidia-cuda-crt==13.0.*",
    // Reads the machine code for kernel.inspect(); its first release on its own is newer than 13.0.
    "nvidia-cuda-nvdisasm>=13,<14",
  ],
};

/** The Python that builds the environment, or null. */
export async function findPython() {
  const { code, output } = await run("python3", ["-c", "import sys; print(sys.version.split()[0])"]);
  return code === 0 ? { command: "python3", version: output.trim() } : null;
}

function installedGroups(list) {
  try {
    const installed = JSON.parse(readFileSync(list, "utf8"));
    return Object.keys(installed).filter((group) => `${installed[group]}` === `${PACKAGES[group]}`);
  } catch {
    return [];
  }
}

/**
 * Creates the environment where it is missing and installs the groups asked for ("jupyter", "nvrtc").
 *
 * Throws a SetupError naming the command that mends it.
 */
export async function ensureEnvironment(groups) {
  const start = performance.now();
  const list = join(environment, "kernel-lab-packages.json");
  const there = existsSync(program("python")) ? installedGroups(list) : [];
  const missing = groups.filter((group) => !there.includes(group));
  if (missing.length === 0) return report("ok", "Python", `environment with ${groups.join(", ")}`);
  const python = await findPython();
  if (!python) {
    throw new SetupError(
      "Found no python3.",
      "Install it (Debian, Ubuntu: apt-get install python3 python3-venv).",
    );
  }
  if (!existsSync(program("pip"))) {
    report("run", "Python", `creating ${environment.replace(inRoot(), "").replace(/^\//, "")}`);
    const made = await run(python.command, ["-m", "venv", environment]);
    if (made.code !== 0) {
      throw new SetupError(
        `Creating a Python environment failed:\n${made.output.trim()}`,
        "Debian, Ubuntu: apt-get install python3-venv",
      );
    }
  }
  report("run", "Python", `installing ${missing.join(", ")} (some minutes the first time)`);
  const wanted = missing.flatMap((group) => PACKAGES[group]);
  const { code, output } = await run(program("python"), ["-m", "pip", "install", "--quiet", ...wanted]);
  if (code !== 0) {
    throw new SetupError(
      `Installing Python packages failed:\n${output.trim()}`,
      `By hand: ${program("pip")} install ${wanted.join(" ")}`,
    );
  }
  const all = Object.fromEntries(
    [...new Set([...there, ...missing])].map((group) => [group, PACKAGES[group]]),
  );
  writeFileSync(list, JSON.stringify(all));
  report("ok", "Python", `${missing.join(", ")} installed in ${since(start)}`);
}
