/// <reference lib="dom" />
import { element, icon } from "./dom";
import type { State } from "./state";

interface Action {
  readonly label: string;
  /** Path of its sign in a square of 20. */
  readonly sign: string;
  readonly keys: readonly string[];
  readonly shown: string;
  run(state: State): void;
}

/** What the buttons and the keyboard do. */
export const actions: readonly Action[] = [
  {
    label: "To the start",
    sign: "M4 4v12M16 4L7 10l9 6z",
    keys: ["Home"],
    shown: "Home",
    run: (s) => s.go(0),
  },
  {
    label: "Barrier before",
    sign: "M4 4v12M8 10h9M12 6l-4 4 4 4",
    keys: ["B"],
    shown: "Shift+B",
    run: (s) => s.go(s.model.previousBarrier(s.tick)),
  },
  {
    label: "Step back",
    sign: "M14 4L6 10l8 6z",
    keys: ["ArrowLeft"],
    shown: "←",
    run: (s) => s.go(s.tick - 1),
  },
  {
    label: "Play or pause",
    sign: "M6 4l10 6-10 6z",
    keys: [" "],
    shown: "Space",
    run: (s) => (s.playing ? s.pause() : s.play()),
  },
  {
    label: "Step forward",
    sign: "M6 4l8 6-8 6z",
    keys: ["ArrowRight"],
    shown: "→",
    run: (s) => s.go(s.tick + 1),
  },
  {
    label: "Next barrier",
    sign: "M16 4v12M3 10h9M8 6l4 4-4 4",
    keys: ["b"],
    shown: "B",
    run: (s) => s.go(s.model.nextBarrier(s.tick)),
  },
  {
    label: "To the end",
    sign: "M16 4v12M4 4l9 6-9 6z",
    keys: ["End"],
    shown: "End",
    run: (s) => s.go(s.model.last),
  },
];

const moves: readonly Action[] = [
  { label: "Warp above", sign: "", keys: ["ArrowUp"], shown: "↑", run: (s) => chooseWarp(s, -1) },
  { label: "Warp below", sign: "", keys: ["ArrowDown"], shown: "↓", run: (s) => chooseWarp(s, 1) },
  {
    label: "This warp alone",
    sign: "",
    keys: ["f", "F"],
    shown: "F",
    run: (s) => s.set({ alone: !s.alone }),
  },
];

function chooseWarp(state: State, by: number): void {
  const count = state.model.block.warps.length;
  state.set({ warp: (state.warp + by + count) % count });
}

/** Buttons, speed, filter, and the keys that do the same. */
export class Controls {
  readonly root: HTMLElement;
  readonly #place = element("output", { class: "place", "aria-live": "polite" });
  readonly #play: HTMLButtonElement;
  readonly #alone: HTMLInputElement;

  constructor(readonly state: State) {
    const buttons = actions.map((action) => {
      const made = element(
        "button",
        { type: "button", title: `${action.label} (${action.shown})`, "aria-label": action.label },
        icon(action.sign),
      );
      made.addEventListener("click", () => action.run(state));
      return made;
    });
    this.#play = buttons[3]!;
    this.#play.classList.add("play");
    const speed = element("select", { "aria-label": "Steps a second" });
    for (const rate of [2, 8, 30, 60]) {
      speed.append(
        element("option", { value: String(rate), ...(rate === 8 ? { selected: "" } : {}) }, `${rate}/s`),
      );
    }
    speed.addEventListener("change", () => state.set({ speed: Number(speed.value) }));
    this.#alone = element("input", { type: "checkbox" });
    this.#alone.addEventListener("change", () => state.set({ alone: this.#alone.checked }));
    const filter = element(
      "label",
      { class: "alone", title: "Show this warp alone (F)" },
      this.#alone,
      " this warp alone",
    );
    this.root = element(
      "div",
      { class: "controls", role: "toolbar", "aria-label": "Time" },
      element("div", { class: "buttons" }, ...buttons),
      this.#place,
      filter,
      speed,
    );
    window.addEventListener("keydown", (event) => this.#key(event));
  }

  show(): void {
    const { tick, model, playing, alone } = this.state;
    const phase = model.block.barriers.filter((at) => at <= tick).length;
    this.#place.textContent = `step ${tick + 1} of ${model.last + 1}${model.block.barriers.length ? ` · after barrier ${phase} of ${model.block.barriers.length}` : ""}`;
    this.#play.replaceChildren(icon(playing ? "M6 4v12M14 4v12" : "M6 4l10 6-10 6z"));
    this.#play.setAttribute("aria-pressed", String(playing));
    this.#alone.checked = alone;
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement | null;
    // A slider and a list have arrows of their own; a button takes the space bar.
    if (
      target?.tagName === "SELECT" ||
      (target?.tagName === "INPUT" && event.key !== "b" && event.key !== " ")
    )
      return;
    if (target?.tagName === "BUTTON" && event.key === " ") return;
    const action = [...actions, ...moves].find((one) => one.keys.includes(event.key));
    if (!action) return;
    event.preventDefault();
    action.run(this.state);
  }
}
