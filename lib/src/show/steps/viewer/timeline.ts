/// <reference lib="dom" />
import { element, type Palette, Surface, type Tooltip } from "./dom";
import { lanesOf, type Model } from "./model";
import type { State } from "./state";

const LEFT = 26;

/** All steps at once: a row a warp, time to the right, barriers as lines; drag to move. */
export class Timeline {
  readonly root: HTMLElement;
  readonly #surface = new Surface("steps of every warp over time");
  readonly #range: HTMLInputElement;
  #drawn: { model: Model; width: number; palette: Palette; picture: HTMLCanvasElement } | null = null;
  #width = 0;

  constructor(
    readonly state: State,
    tooltip: Tooltip,
  ) {
    this.#range = element("input", { type: "range", min: "0", step: "1", "aria-label": "Step" });
    this.#range.addEventListener("input", () => state.go(Number(this.#range.value)));
    const { canvas } = this.#surface;
    this.root = element("div", { class: "timeline" }, canvas, this.#range);
    const move = (event: PointerEvent): void => {
      const x = event.clientX - canvas.getBoundingClientRect().left;
      state.go(this.#tickAt(x));
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      move(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons & 1) move(event);
    });
    tooltip.attach(canvas, (x, y) => {
      const tick = this.#tickAt(x);
      const warp = Math.floor(y / this.#rowHeight());
      if (warp < 0 || warp >= state.model.block.warps.length || x < LEFT) return "";
      const { state: now, step } = state.model.at(warp, tick);
      if (now !== "runs" || !step)
        return `step ${tick + 1}, warp ${warp}: ${now === "waits" ? "at a barrier" : now}`;
      const lanes = lanesOf(step[2]).length;
      return `step ${tick + 1}, warp ${warp}: line ${step[0]}${lanes < 32 ? `, ${lanes} lanes` : ""}`;
    });
  }

  show(palette: Palette): void {
    const { model, tick, warp } = this.state;
    this.#range.max = String(model.last);
    this.#range.value = String(tick);
    this.#range.setAttribute("aria-valuetext", `step ${tick + 1} of ${model.last + 1}`);
    this.#width = Math.max(200, this.root.clientWidth);
    const height = this.#rowHeight() * model.block.warps.length;
    const drawn = this.#drawn;
    if (!drawn || drawn.model !== model || drawn.width !== this.#width || drawn.palette !== palette) {
      const picture = this.#paint(palette, height);
      this.#drawn = { model, width: this.#width, palette, picture };
    }
    const draw = this.#surface.begin(this.#width, height);
    draw.drawImage(this.#drawn!.picture, 0, 0, this.#width, height);
    draw.strokeStyle = palette.ink;
    draw.globalAlpha = 0.25;
    draw.strokeRect(0.5, warp * this.#rowHeight() + 0.5, this.#width - 1, this.#rowHeight() - 1);
    draw.globalAlpha = 1;
    const x = this.#x(tick);
    draw.fillStyle = palette.ink;
    draw.fillRect(x - 1, 0, 2, height);
  }

  #rowHeight(): number {
    const warps = this.state.model.block.warps.length;
    return warps > 16 ? 5 : warps > 8 ? 8 : 12;
  }

  #x(tick: number): number {
    return LEFT + ((tick + 0.5) / (this.state.model.last + 1)) * (this.#width - LEFT);
  }

  #tickAt(x: number): number {
    const share = (x - LEFT) / Math.max(1, this.#width - LEFT);
    return Math.max(0, Math.min(this.state.model.last, Math.floor(share * (this.state.model.last + 1))));
  }

  /** The picture without the hand, kept until size or colours change. */
  #paint(palette: Palette, height: number): HTMLCanvasElement {
    const { model } = this.state;
    const scale = window.devicePixelRatio || 1;
    const picture = document.createElement("canvas");
    picture.width = Math.round(this.#width * scale);
    picture.height = Math.round(height * scale);
    const draw = picture.getContext("2d")!;
    draw.scale(scale, scale);
    const row = this.#rowHeight();
    const wide = Math.max(0.6, (this.#width - LEFT) / (model.last + 1));
    draw.font = `${Math.min(10, row)}px system-ui, sans-serif`;
    draw.textBaseline = "middle";
    model.block.warps.forEach((steps, warp) => {
      const top = warp * row;
      draw.fillStyle = palette.cell;
      draw.fillRect(LEFT, top + 1, this.#width - LEFT, row - 2);
      draw.fillStyle = palette.soft;
      if (row >= 8) draw.fillText(String(warp), 8, top + row / 2 + 0.5);
      draw.fillStyle = palette.warps[warp % 8]!;
      for (const [, tick, mask, , , requests] of steps) {
        // Height tells how many lanes take part, strength whether memory is touched.
        const part = lanesOf(mask).length / 32;
        draw.globalAlpha = requests.length > 0 ? 1 : 0.5;
        const tall = Math.max(1.5, (row - 2) * part);
        draw.fillRect(
          this.#x(tick) - wide / 2,
          top + 1 + (row - 2 - tall),
          Math.max(0.6, wide - (wide > 4 ? 1 : 0)),
          tall,
        );
      }
      draw.globalAlpha = 1;
    });
    draw.fillStyle = palette.barrier;
    for (const tick of model.block.barriers) draw.fillRect(this.#x(tick) - wide / 2 - 0.75, 0, 1.5, height);
    return picture;
  }
}
