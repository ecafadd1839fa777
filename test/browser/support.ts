/** What the browser tests share: a real Chromium, and JupyterLab over a copy of the walkthroughs. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { type Browser, chromium } from "playwright-core";

/** The repository's root. Tests run compiled, from test/.build/browser. */
export const root = resolve(__dirname, "..", "..", "..");
const environment = join(root, ".lab", "venv");
const state = join(root, ".lab", "test");

function onPath(name: string): string | null {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

const executable = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
  .map(onPath)
  .find((path) => path !== null);

/** Why browser tests cannot run here, or false. */
export const noBrowser: string | false = executable
  ? false
  : "found no Chromium; install it (Debian, Ubuntu: apt-get install chromium)";

/** Why JupyterLab cannot be tried here, or false. */
export const noLab: string | false =
  noBrowser ||
  (existsSync(join(environment, "bin", "jupyter-lab"))
    ? false
    : "JupyterLab is not installed in .lab/venv: npm test installs it where python3 is (apt-get install python3 python3-venv)");

/** Starts Chromium without a screen and without traffic of its own. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: executable ?? "chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Where pictures of the last run are kept, for a person to look at. */
export function picturePath(name: string): string {
  const folder = join(state, "pictures");
  mkdirSync(folder, { recursive: true });
  return join(folder, name);
}

/** A running JupyterLab. */
export interface Lab {
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

/**
 * Starts JupyterLab on a copy of notebooks/, so that its autosave cannot write outputs into the repository.
 *
 * Cells are rendered whether they are in view or not, or nothing could be asserted of those below.
 */
export async function startLab(): Promise<Lab> {
  mkdirSync(state, { recursive: true });
  const folder = mkdtempSync(join(state, "lab-"));
  cpSync(join(root, "notebooks"), join(folder, "notebooks"), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const settings = join(folder, "settings", "@jupyterlab", "notebook-extension");
  mkdirSync(settings, { recursive: true });
  writeFileSync(join(settings, "tracker.jupyterlab-settings"), JSON.stringify({ windowingMode: "none" }));
  const runtime = join(folder, "runtime");
  const token = randomBytes(16).toString("hex");
  const child = spawn(
    join(environment, "bin", "jupyter"),
    [
      "lab",
      "--no-browser",
      "--allow-root",
      "--ServerApp.ip=127.0.0.1",
      "--ServerApp.port=0",
      `--ServerApp.root_dir=${join(folder, "notebooks")}`,
      `--LabApp.user_settings_dir=${join(folder, "settings")}`,
    ],
    {
      env: {
        ...process.env,
        JUPYTER_TOKEN: token,
        JUPYTER_RUNTIME_DIR: runtime,
        JUPYTER_CONFIG_DIR: join(folder, "config"),
        JUPYTER_DATA_DIR: join(folder, "data"),
      },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let log = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-4000);
  });
  const close = async (): Promise<void> => {
    await ended(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { url: await addressOf(child, runtime), token, close };
  } catch (error) {
    await close();
    throw new Error(`${(error as Error).message}\n${log}`);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const closed = new Promise((done) => child.once("close", done));
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await closed;
  clearTimeout(force);
}

/** The address the server wrote into its runtime folder. */
async function addressOf(child: ChildProcess, runtime: string): Promise<string> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (child.exitCode !== null) throw new Error(`JupyterLab ended with exit code ${child.exitCode}`);
    const file = existsSync(runtime)
      ? readdirSync(runtime).find((name) => /^jpserver-\d+\.json$/.test(name))
      : undefined;
    if (file) {
      try {
        return (JSON.parse(readFileSync(join(runtime, file), "utf8")) as { url: string }).url;
      } catch {
        // Half written; look again.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("JupyterLab did not start within 30 s");
}
