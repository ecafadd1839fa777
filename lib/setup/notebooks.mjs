/** `npm run notebooks`: JupyterLab in the project's own environment, on this machine only, behind its token. */

import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inRoot, report, requireFromLib, runMain, stateFolder } from "./project.mjs";
import { ensureEnvironment, environment, jupyterData, program } from "./python.mjs";
import { setup } from "./setup.mjs";

/** Registers the lab's kernel in the environment and returns the path of its spec. */
export function registerKernel() {
  const { writeKernelSpec, KERNEL_DISPLAY_NAME } = requireFromLib("./dist/notebook/kernelspec.js");
  const spec = writeKernelSpec(jupyterData);
  quietJupyterLab();
  report("ok", "Kernel", `${KERNEL_DISPLAY_NAME} registered`);
  return spec;
}

/** Defaults of JupyterLab in this environment: no question about news, no look for updates. */
function quietJupyterLab() {
  const folder = join(jupyterData, "lab", "settings");
  mkdirSync(folder, { recursive: true });
  const settings = {
    "@jupyterlab/apputils-extension:notification": { fetchNews: "false", checkForUpdates: false },
  };
  writeFileSync(join(folder, "overrides.json"), `${JSON.stringify(settings, null, 2)}\n`);
}

/** Environment variables under which Jupyter keeps its state inside the project. */
export function jupyterEnvironment() {
  const home = join(stateFolder, "jupyter");
  mkdirSync(home, { recursive: true, mode: 0o700 });
  return {
    ...process.env,
    VIRTUAL_ENV: environment,
    JUPYTER_CONFIG_DIR: join(home, "config"),
    JUPYTER_DATA_DIR: join(home, "data"),
    JUPYTER_RUNTIME_DIR: join(home, "runtime"),
  };
}

/** Arguments of JupyterLab. A token is always asked for; outside a terminal no browser is opened. */
export function jupyterArguments({ browser = process.stdout.isTTY, port = 8888 } = {}) {
  return [
    "lab",
    `--ServerApp.root_dir=${inRoot("notebooks")}`,
    "--ServerApp.ip=127.0.0.1",
    `--ServerApp.port=${port}`,
    "--MultiKernelManager.default_kernel_name=tslab",
    ...(process.getuid?.() === 0 ? ["--allow-root"] : []),
    ...(browser ? [] : ["--no-browser"]),
  ];
}

async function main() {
  await setup();
  await ensureEnvironment(["jupyter"]);
  registerKernel();
  console.log(
    "\nJupyterLab starts; stop it with Ctrl-C. Extra arguments go to it: npm run notebooks -- --no-browser\n",
  );
  const own = process.argv.slice(2);
  // JupyterLab takes an option once: one given by hand wins over ours.
  const given = new Set(own.map((argument) => argument.split("=")[0]));
  const args = [...jupyterArguments().filter((argument) => !given.has(argument.split("=")[0])), ...own];
  const child = spawn(program("jupyter"), args, { stdio: "inherit", env: jupyterEnvironment() });
  // Ctrl-C reaches JupyterLab by itself; this process only waits for it.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  process.exitCode = await new Promise((resolve) => child.on("close", (code) => resolve(code ?? 0)));
}

if (process.argv[1] === import.meta.filename) void runMain(main);
