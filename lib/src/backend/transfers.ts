import { CommandEncoder } from "./commands";
import { StagingRing } from "./staging";
import type { Transport } from "./transport";

/**
 * Copies between host arrays and device buffers through the staging segment, part by part.
 *
 * A transfer is a function that goes as far as the segment has room and answers whether it is done; it is called
 * again once a part was freed, so that both sides copy at the same time.
 */
export class Transfers {
  readonly ring = new StagingRing();
  readonly #commands = new CommandEncoder();
  readonly #transport: () => Transport;

  constructor(transport: () => Transport) {
    this.#transport = transport;
  }

  /** A transfer of `data` to a buffer. What does not fit at once is copied first unless `borrow`. */
  upload(buffer: number, offset: number, data: Uint8Array, stream: number, borrow: boolean): () => boolean {
    let at = 0;
    let rest = data;
    let base = 0;
    return () => {
      const transport = this.#transport();
      while (at < data.byteLength) {
        const bytes = Math.min(this.ring.partBytes, data.byteLength - at);
        const part = this.ring.take(bytes);
        if (!part) {
          if (!borrow && rest === data) {
            rest = data.slice(at);
            base = at;
          }
          return false;
        }
        transport.staging.set(rest.subarray(at - base, at - base + bytes), part.start);
        this.#commands.upload(buffer, offset + at, part.start, bytes, stream);
        transport.post(this.#commands.take(), part.position);
        at += bytes;
      }
      return true;
    };
  }

  /** A transfer of a buffer's bytes; `into` is filled when the last part has been acknowledged. */
  download(buffer: number, offset: number, into: Uint8Array, stream: number): () => boolean {
    let at = 0;
    return () => {
      const transport = this.#transport();
      while (at < into.byteLength) {
        const bytes = Math.min(this.ring.partBytes, into.byteLength - at);
        const to = at;
        const part = this.ring.take(bytes, () => {
          into.set(transport.staging.subarray(part!.start, part!.start + bytes), to);
        });
        if (!part) return false;
        this.#commands.download(buffer, offset + at, part.start, bytes, stream);
        transport.post(this.#commands.take(), part.position);
        at += bytes;
      }
      return true;
    };
  }
}
