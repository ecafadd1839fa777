/** One thing to be sent in order; answers a promise when the steps after it must wait. */
export interface Step {
  run(): void | Promise<void>;
  reject(error: Error): void;
}

/** Runs steps in order: at once while none has to wait, later behind one that does. */
export class Steps {
  #queue: Step[] = [];
  #waiting = false;

  /** True while a step waits and later ones queue up behind it. */
  get waiting(): boolean {
    return this.#waiting;
  }

  push(step: Step): void {
    this.#queue.push(step);
    if (!this.#waiting) this.#pump();
  }

  /** Rejects everything queued. */
  fail(error: Error): void {
    for (const step of this.#queue.splice(0)) step.reject(error);
  }

  #pump(): void {
    for (let step = this.#queue.shift(); step; step = this.#queue.shift()) {
      const current = step;
      const wait = current.run();
      if (!wait) continue;
      this.#waiting = true;
      const resume = (): void => {
        this.#waiting = false;
        this.#pump();
      };
      wait.then(resume, (error: Error) => {
        current.reject(error);
        resume();
      });
      return;
    }
  }
}
