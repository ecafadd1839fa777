/** A part of the staging segment in use. */
export interface StagingPart {
  readonly start: number;
  readonly bytes: number;
  /** Number to post with the batch that uses this part; its acknowledgement frees the part. */
  readonly position: number;
}

const alignment = 64;

/**
 * Deals out the staging segment as a ring: parts are taken in order and freed in the same order by acknowledgements,
 * so that the device works on one part while the next is being filled.
 */
export class StagingRing {
  #size = 0;
  #head = 0;
  #tail = 0;
  #parts: { position: number; done: () => void }[] = [];
  #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];

  /** Starts over on a segment of `size` bytes. */
  reset(size: number): void {
    this.#size = size;
    this.#head = 0;
    this.#tail = 0;
    this.#parts = [];
  }

  /** The most bytes that one part can have: a quarter, so that copies on both sides overlap. */
  get partBytes(): number {
    return this.#size / 4;
  }

  /** Takes a part of at most `partBytes`, or null while the ring is full; `done` runs at its acknowledgement. */
  take(bytes: number, done: () => void = () => {}): StagingPart | null {
    const rounded = Math.ceil(Math.max(bytes, 1) / alignment) * alignment;
    const offset = this.#head % this.#size;
    const start = offset + rounded > this.#size ? this.#head + this.#size - offset : this.#head;
    if (start + rounded - this.#tail > this.#size) return null;
    this.#head = start + rounded;
    this.#parts.push({ position: this.#head, done });
    return { start: start % this.#size, bytes, position: this.#head };
  }

  /** Resolves when a part has been freed since the call. */
  freed(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** The batch posted with `position` has run: frees its part and every earlier one. */
  ack(position: number): void {
    while (this.#parts.length > 0 && this.#parts[0]!.position <= position) {
      const part = this.#parts.shift()!;
      part.done();
      this.#tail = part.position;
    }
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** The device is gone: rejects whoever waits. */
  fail(error: Error): void {
    this.#parts = [];
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
