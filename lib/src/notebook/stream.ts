/** Gathers written text into fewer, larger messages without keeping a reader waiting. */

/** Text held back at most this long while the cell's code keeps the thread, in milliseconds. */
const HOLD_MS = 25;
/** Text held back at most, in UTF-16 units. */
const HOLD_SIZE = 64 * 1024;

type Name = "stdout" | "stderr";

/**
 * Joins neighbouring writes to one stream; 60,000 lines printed in a loop become some tens of messages.
 *
 * Flushes when the turn ends, when the text is large, when the other stream is written, and after 25 ms even within
 * one turn, so that a long synchronous loop shows its progress.
 */
export class StreamGatherer {
  readonly #emit: (name: Name, text: string) => void;
  #name: Name = "stdout";
  #parts: string[] = [];
  #size = 0;
  #lastFlush = 0;
  #scheduled = false;

  constructor(emit: (name: Name, text: string) => void) {
    this.#emit = emit;
  }

  /** Adds text; it is emitted in order, at once or soon. */
  write(name: Name, text: string): void {
    if (name !== this.#name) {
      this.flush();
      this.#name = name;
    }
    this.#parts.push(text);
    this.#size += text.length;
    if (this.#size >= HOLD_SIZE || performance.now() - this.#lastFlush > HOLD_MS) {
      this.flush();
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.flush();
      });
    }
  }

  /** Emits what is held back. Call it before anything else that must keep its place among the text. */
  flush(): void {
    this.#lastFlush = performance.now();
    if (this.#parts.length > 0) {
      const text = this.#parts.join("");
      this.#parts = [];
      this.#size = 0;
      this.#emit(this.#name, text);
    }
  }
}
