/// <reference lib="dom" />
import { element, type Palette, Surface, type Tooltip } from "./dom";
import { threadName } from "./model";
import type { State } from "./state";

const GAP = 2;

/** A row a warp, a square a lane: filled while it runs, hollow while its warp runs without it. */
export class LanesPanel {
  readonly root: HTMLElement;
  readonly #rows: { button: HTMLButtonElement; surface: Surface; what: HTMLElement }[] = [];
  readonly #list = element("div", { class: "warps" });

  constructor(
    readonly state: State,
    readonly tooltip: Tooltip,
  ) {
    this.root = element(
      "section",
      { class: "panel", "aria-label": "Warps and their lanes" },
      element(
        "h2",
        {},
        "Warps",
        element("small", {}, "filled: the lane runs; hollow: its warp runs without it"),
      ),
      this.#list,
    );
  }

  #build(): void {
    const { model } = this.state;
    this.#rows.length = 0;
    this.#list.replaceChildren();
    model.block.warps.forEach((_, warp) => {
      const surface = new Surface(`lanes of warp ${warp}`);
      const what = element("span", { class: "what" });
      const button = element(
        "button",
        { type: "button", class: "warp", "aria-pressed": "false" },
        element("span", { class: `chip w${warp % 8}` }, String(warp)),
        surface.canvas,
        what,
      );
      button.addEventListener("click", () => this.state.set({ warp }));
      this.tooltip.attach(surface.canvas, (x) => {
        const lane = Math.floor(x / (surface.canvas.clientWidth / 32));
        return `lane ${lane}: thread ${threadName(warp * 32 + lane, model.trace.block)}`;
      });
      this.#list.append(button);
      this.#rows.push({ button, surface, what });
    });
  }

  show(palette: Palette): void {
    const { model, tick, warp: chosen } = this.state;
    if (this.#rows.length !== model.block.warps.length) this.#build();
    const [x, y, z] = model.trace.block;
    const threads = x * y * z;
    const size = Math.max(5, Math.min(13, Math.floor((this.root.clientWidth - 170) / 32) - GAP));
    this.#rows.forEach(({ button, surface, what }, warp) => {
      const { state, step } = model.at(warp, tick);
      button.setAttribute("aria-pressed", String(warp === chosen));
      const color = palette.warps[warp % 8]!;
      const draw = surface.begin(32 * (size + GAP), size + 2);
      for (let lane = 0; lane < 32; lane++) {
        if (warp * 32 + lane >= threads) break;
        const active = step !== null && ((step[2] >>> lane) & 1) === 1 && state !== "ended";
        draw.beginPath();
        draw.roundRect(lane * (size + GAP) + 0.5, 1.5, size - 1, size - 1, 2);
        draw.globalAlpha = state === "waits" && active ? 0.35 : 1;
        draw.fillStyle = active ? color : palette.cell;
        draw.fill();
        draw.globalAlpha = state === "runs" && !active ? 0.8 : 0.25;
        draw.strokeStyle = state === "runs" ? color : palette.soft;
        draw.lineWidth = 1;
        draw.stroke();
        draw.globalAlpha = 1;
      }
      const times = step && step[3] > 1 ? ` × ${step[3]}` : "";
      what.textContent = {
        runs: `line ${step?.[0]}${times}`,
        waits: "at a barrier",
        ended: "done",
        before: "not begun",
      }[state];
    });
  }
}
