/** The child process of the headless runner: runs one notebook and reports cell by cell to its parent. */

import { dirname } from "node:path";
import { type CellOutput, readNotebook } from "./document";
import type { CellRun } from "./runner";
import { Session, type SessionSink } from "./session";
import { StreamGatherer } from "./stream";

/** What the worker tells its parent. */
export type WorkerMessage =
  | { readonly type: "text"; readonly name: "stdout" | "stderr"; readonly text: string }
  | { readonly type: "cell"; readonly cell: CellRun };

function tell(message: WorkerMessage): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve());
  });
}

/** Collects the running cell's outputs as a notebook file would hold them. */
class Collector implements SessionSink {
  outputs: CellOutput[] = [];
  count = 0;
  readonly #shown = new Map<string, { data: CellOutput & { output_type: "display_data" } }>();
  readonly gatherer = new StreamGatherer((name, text) => this.#append(name, text));

  stream(name: "stdout" | "stderr", text: string): void {
    this.gatherer.write(name, text);
  }

  #append(name: "stdout" | "stderr", text: string): void {
    const last = this.outputs.at(-1);
    if (last?.output_type === "stream" && last.name === name) {
      last.text += text;
    } else {
      this.outputs.push({ output_type: "stream", name, text });
    }
    void tell({ type: "text", name, text });
  }

  display(data: Readonly<Record<string, unknown>>, id: string | undefined, update: boolean): void {
    this.gatherer.flush();
    const known = id === undefined ? undefined : this.#shown.get(id);
    if (update && known) {
      known.data.data = data;
      return;
    }
    const output = { output_type: "display_data" as const, data, metadata: {} };
    this.outputs.push(output);
    if (id !== undefined) {
      this.#shown.set(id, { data: output });
    }
  }

  result(data: Readonly<Record<string, unknown>>): void {
    this.gatherer.flush();
    this.outputs.push({ output_type: "execute_result", data, metadata: {}, execution_count: this.count });
  }
}

async function main(path: string): Promise<void> {
  const notebook = readNotebook(path);
  // tslab resolves imports from the working directory, and Jupyter too starts a kernel in its notebook's folder.
  process.chdir(dirname(path));
  const collector = new Collector();
  const session = new Session(collector);
  process.on("unhandledRejection", (reason) => console.error("Unhandled rejection:", reason));
  const cells = notebook.cells.filter((cell) => cell.type === "code" && cell.source.trim() !== "");
  for (const { index, source, mayFail } of cells) {
    collector.outputs = [];
    collector.count += 1;
    const began = performance.now();
    const failure = await session.execute(source);
    collector.gatherer.flush();
    const seconds = (performance.now() - began) / 1000;
    if (failure) {
      collector.outputs.push({ output_type: "error", ...failure });
    }
    const expected = failure !== null && mayFail;
    await tell({
      type: "cell",
      cell: { index, source, outputs: collector.outputs, seconds, failure, expected },
    });
    if (failure && !mayFail) {
      break;
    }
  }
  session.close();
  process.disconnect();
  process.exit(0);
}

void main(process.argv[2] ?? "");
