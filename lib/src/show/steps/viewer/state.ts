import { Model } from "./model";

/** Where the reader is: a tick, the warp looked at, and whether time runs. */
export class State {
  tick = 0;
  warp = 0;
  /** Only the chosen warp's accesses and chips are shown. */
  alone = false;
  playing = false;
  /** Ticks a second while playing. */
  speed = 8;
  #listeners: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(public model: Model) {}

  /** Calls back after every change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Changes some of it and tells everybody. */
  set(change: Partial<Pick<State, "tick" | "warp" | "alone" | "speed">>): void {
    Object.assign(this, change);
    this.tick = Math.max(0, Math.min(this.tick, this.model.last));
    for (const listener of this.#listeners) listener();
  }

  /** Shows another recorded block from its start. */
  choose(block: number): void {
    this.pause();
    this.model = new Model(this.model.trace, block);
    this.set({ tick: 0, warp: 0 });
  }

  play(): void {
    if (this.tick >= this.model.last) this.tick = 0;
    this.playing = true;
    this.set({});
    const next = (): void => {
      if (this.tick < this.model.last) {
        this.set({ tick: this.tick + 1 });
        this.#timer = setTimeout(next, 1000 / this.speed);
      } else {
        this.pause();
      }
    };
    this.#timer = setTimeout(next, 1000 / this.speed);
  }

  pause(): void {
    clearTimeout(this.#timer);
    const was = this.playing;
    this.playing = false;
    if (was) this.set({});
  }

  /** To a tick, and stay there. */
  go(tick: number): void {
    this.pause();
    this.set({ tick });
  }
}
