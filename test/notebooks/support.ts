/** What the notebook tests share: temporary notebooks, and the project's Jupyter. */

import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import type { CellOutput } from "kernel-lab/dist/notebook/document";

/** The repository's root. Tests run compiled, from test/.build/notebooks. */
export const root = resolve(__dirname, "..", "..", "..");
/** The project's Python environment. */
export const environment = join(root, ".lab", "venv");

/** Why tests through Jupyter cannot run here, or false. */
export const noJupyter: string | false = existsSync(join(environment, "bin", "jupyter-nbconvert"))
  ? false
  : "Jupyter is not installed in .lab/venv: npm test installs it where python3 is (apt-get install python3 python3-venv)";

/** A cell as given to a fixture: its source, and whether it fails on purpose. */
export interface FixtureCell {
  readonly source: string;
  readonly fails?: boolean;
}

/** A new folder, removed after the test, from whose notebooks `kernel-lab` can be imported. */
export function temporaryFolder(context: TestContext): string {
  const state = join(root, ".lab", "test");
  mkdirSync(state, { recursive: true });
  const folder = mkdtempSync(join(state, "notebook-"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a notebook of the cells and returns its path. */
export function writeNotebook(folder: string, cells: readonly FixtureCell[]): string {
  const path = join(folder, "fixture.ipynb");
  const content = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      kernelspec: { name: "tslab", display_name: "TypeScript (Kernel Lab)", language: "typescript" },
    },
    cells: cells.map(({ source, fails }, index) => ({
      cell_type: "code",
      id: `cell-${index}`,
      metadata: fails ? { tags: ["raises-exception"] } : {},
      execution_count: null,
      outputs: [],
      source,
    })),
  };
  writeFileSync(path, JSON.stringify(content));
  return path;
}

/** Variables under which Jupyter uses the project's environment and nothing of the user's. */
export function jupyterEnvironment(): NodeJS.ProcessEnv {
  const home = join(root, ".lab", "test", "jupyter");
  mkdirSync(home, { recursive: true, mode: 0o700 });
  return {
    ...process.env,
    JUPYTER_CONFIG_DIR: join(home, "config"),
    JUPYTER_DATA_DIR: join(home, "data"),
    JUPYTER_RUNTIME_DIR: join(home, "runtime"),
    IPYTHONDIR: join(home, "ipython"),
  };
}

const run = promisify(execFile);

/**
 * Executes a notebook with nbconvert and returns the outputs of its code cells; rejects when a cell fails.
 *
 * Once a cell has replied, nbclient gives its outputs 4 seconds in all and drops the rest, hence the longer limit.
 */
export async function executeWithJupyter(path: string, output: string): Promise<CellOutput[][]> {
  const args = [
    "--to",
    "notebook",
    "--execute",
    "--output",
    output,
    "--ExecutePreprocessor.timeout=300",
    "--ExecutePreprocessor.iopub_timeout=60",
    path,
  ];
  await run(join(environment, "bin", "jupyter-nbconvert"), args, {
    env: jupyterEnvironment(),
    maxBuffer: 1 << 26,
  });
  const executed = JSON.parse(readFileSync(output, "utf8")) as {
    cells: { cell_type: string; outputs: CellOutput[] }[];
  };
  return executed.cells.filter((cell) => cell.cell_type === "code").map((cell) => cell.outputs);
}

/** All text a cell wrote to one stream. */
export function textOf(outputs: readonly CellOutput[], name: "stdout" | "stderr" = "stdout"): string {
  const parts = outputs.map((output) =>
    output.output_type === "stream" && output.name === name
      ? ([output.text].flat() as string[]).join("")
      : "",
  );
  return parts.join("");
}

/** A display's or result's data of one MIME type, all cells' outputs joined. */
export function dataOf(outputs: readonly CellOutput[], mime: string): string[] {
  return outputs.flatMap((output) => {
    if (output.output_type !== "display_data" && output.output_type !== "execute_result") return [];
    const value = output.data[mime];
    return value === undefined ? [] : [([value].flat() as string[]).join("")];
  });
}
