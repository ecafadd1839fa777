/**
 * One notebook's life: tslab's converter and executor with outputs caught and errors told in full.
 *
 * Both the Jupyter kernel and the headless runner drive a session, so a cell behaves the same in either.
 * A process holds one session: it takes over `process.stdout` and `process.stderr`, and tslab resolves imports from
 * the working directory.
 */

import { format, inspect } from "node:util";
import type { Executor } from "tslab/dist/executor";
import type { MimeBundle } from "./document";
import { type Diagnostic, describeDiagnostics, describeThrown, type Failure } from "./failure";
import { writeOutShorthand } from "./shorthand";
import { createConverter, createExecutor, tslabJupyter } from "./tslab";

/** Where a cell's output goes. */
export interface SessionSink {
  stream(name: "stdout" | "stderr", text: string): void;
  /** A display; `update` replaces the display shown before under the same id. */
  display(data: MimeBundle, displayId: string | undefined, update: boolean): void;
  /** The value of the cell's last expression. */
  result(data: MimeBundle): void;
}

/** A value that knows how to show itself: the convention Deno's kernel introduced. */
const DISPLAY = Symbol.for("Jupyter.display");

// The format string by which tslab's executor prints diagnostics; anything else on its error channel was thrown.
const DIAGNOSTIC_FORMAT = "%s%d:%d - %s";

function bundleOf(value: unknown): MimeBundle {
  const show = (value as { [DISPLAY]?: unknown })[DISPLAY];
  if (typeof show === "function") {
    return show.call(value) as MimeBundle;
  }
  return { "text/plain": typeof value === "string" ? value : inspect(value) };
}

function captureWrites(name: "stdout" | "stderr", sink: SessionSink): void {
  const decoder = new TextDecoder();
  const write = (
    chunk: string | Uint8Array,
    encoding?: BufferEncoding | ((error?: Error) => void),
    done?: (error?: Error) => void,
  ): boolean => {
    sink.stream(name, typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true }));
    const callback = typeof encoding === "function" ? encoding : done;
    if (callback) {
      process.nextTick(callback);
    }
    return true;
  };
  process[name].write = write;
}

/** Runs cells one after another with one set of variables. */
export class Session {
  readonly #executor: Executor;
  #thrown: unknown;
  #diagnostics: Diagnostic[] = [];

  constructor(sink: SessionSink) {
    captureWrites("stdout", sink);
    captureWrites("stderr", sink);
    const node = createConverter({ isJS: false, isBrowser: false });
    this.#executor = createExecutor(
      process.cwd(),
      { node, browser: node, close: () => node.close() },
      {
        log: (value: unknown) => sink.result(bundleOf(value)),
        error: (...args: unknown[]) => this.#onError(args, sink),
      },
    );
    // tslab.display writes through this variable of tslab's own; setting it is what makes displays reach the sink.
    Object.assign(tslabJupyter, {
      lastWriteDisplayData: (
        shown: { data: MimeBundle; transient?: { display_id?: string } },
        update?: boolean,
      ) => sink.display(shown.data, shown.transient?.display_id, update === true),
    });
  }

  #onError(args: readonly unknown[], sink: SessionSink): void {
    if (args[0] === DIAGNOSTIC_FORMAT) {
      const [, file, line, column, message] = args;
      this.#diagnostics.push({
        file: String(file),
        line: Number(line),
        column: Number(column),
        message: String(message),
      });
    } else if (args.length === 1) {
      this.#thrown = args[0];
    } else {
      sink.stream("stderr", `${format(...args)}\n`);
    }
  }

  /** Runs one cell; resolves to its failure, or null when it went well. Call it again only after that. */
  async execute(code: string): Promise<Failure | null> {
    this.#thrown = undefined;
    this.#diagnostics = [];
    const cell = writeOutShorthand(code);
    const ok = await this.#executor.execute(cell.code);
    if (ok && this.#diagnostics.length === 0) {
      return null;
    }
    if (this.#diagnostics.length === 0) {
      return describeThrown(this.#thrown);
    }
    const diagnostics = this.#diagnostics.map((diagnostic) =>
      diagnostic.file === ""
        ? { ...diagnostic, ...cell.original(diagnostic.line, diagnostic.column) }
        : diagnostic,
    );
    return describeDiagnostics(diagnostics, code);
  }

  /** Ends the wait of the running cell; what it awaits is left to end by itself. */
  interrupt(): void {
    this.#executor.interrupt();
  }

  /** Completions at a UTF-16 offset of the cell. */
  complete(code: string, offset: number): ReturnType<Executor["complete"]> {
    return this.#executor.complete(code, offset);
  }

  /** What hovering shows at a UTF-16 offset of the cell; null where nothing is known. */
  inspect(code: string, offset: number): ReturnType<Executor["inspect"]> | null {
    return this.#executor.inspect(code, offset) ?? null;
  }

  /** Releases the converter, so that the process can end. */
  close(): void {
    this.#executor.close();
  }
}
