import { basename } from "node:path";
import { type Frame, framesOf } from "./binutils";
import { isOperation } from "./operations";

/** Finds the kernel's source line of program counters. */
export class Places {
  readonly #frames: ReadonlyMap<number, readonly Frame[]>;
  readonly #fileName: string;

  private constructor(frames: ReadonlyMap<number, readonly Frame[]>, fileName: string) {
    this.#frames = frames;
    this.#fileName = fileName;
  }

  /** Looks all of them up at once: that takes one program however many there are. */
  static async of(module: string, fileName: string, addresses: Iterable<number>): Promise<Places> {
    return new Places(await framesOf(module, [...new Set(addresses)]), fileName);
  }

  /**
   * The innermost line that is in the kernel's own file: what a helper of another file does is done where it was called,
   * what a function of this file does is done in it. `calls`: return addresses of the calls that led there, the innermost
   * first, for functions that were not inlined. 0 when nothing of this file led to it.
   */
  line(address: number, calls: readonly number[] = []): number {
    for (const place of [address, ...calls.map((pc) => pc - 1)]) {
      const own = this.chain(place).find((frame) => this.#own(frame));
      if (own) return own.line;
    }
    return 0;
  }

  /** Whether the machinery of the CPU device's headers put it there, and no CUDA source. */
  inMachinery(address: number): boolean {
    const innermost = this.chain(address)[0];
    return innermost === undefined || /\/simt\/include\/|^\/usr\/|\/c\+\+\//.test(innermost.file);
  }

  /** Whether it is in an operation of the CPU device's headers that is counted by its calls. */
  inOperation(address: number): boolean {
    return this.inMachinery(address) && this.chain(address).some((frame) => isOperation(frame.function));
  }

  /** Innermost first. */
  chain(address: number): readonly Frame[] {
    return this.#frames.get(address) ?? [];
  }

  #own(frame: Frame): boolean {
    return (
      frame.file === this.#fileName ||
      frame.file.endsWith(`/${this.#fileName}`) ||
      (basename(frame.file) === basename(this.#fileName) && !/\/simt\/include\//.test(frame.file))
    );
  }
}
