/// <reference lib="dom" />
import { RequestKind, type StepTarget } from "../trace";
import { sharedCost } from "./costs";
import { element, type Palette, Surface, type Tooltip } from "./dom";
import { cellOf, coordinates, elementAt, type Grid, Spacing, wholeGrid } from "./layout";
import { askedAt, tellCosts } from "./memory";
import { shortValue, threadName, touchesOf } from "./model";
import type { State } from "./state";

/** A shared array as a heatmap: values by colour, what has changed since the barrier, who reads now. */
export class SharedView {
  readonly root: HTMLElement;
  readonly #surface: Surface;
  readonly #cost = element("p", { class: "cost" });
  readonly #grid: Grid;
  #spacing: Spacing | null = null;

  constructor(
    readonly state: State,
    readonly index: number,
    readonly target: StepTarget,
    tooltip: Tooltip,
  ) {
    this.#grid = wholeGrid(target);
    this.#surface = new Surface(`values of ${target.name}`);
    this.root = element(
      "div",
      { class: "target" },
      element(
        "h3",
        {},
        element("code", {}, target.name),
        ` ${target.dtype}${target.shape.length ? `[${target.shape.join(" × ")}]` : ""}`,
      ),
      element("div", { class: "scroll", tabindex: "0" }, this.#surface.canvas),
      this.#cost,
    );
    tooltip.attach(this.#surface.canvas, (x, y) => this.#tell(x, y));
  }

  show(palette: Palette): void {
    const { model, tick, warp: chosen } = this.state;
    const grid = this.#grid;
    const room = Math.max(160, (this.root.clientWidth || 600) - 6);
    const spacing = new Spacing(grid, Number.POSITIVE_INFINITY, room, grid.width <= 16 ? 34 : 20);
    this.#spacing = spacing;
    const draw = this.#surface.begin(spacing.pixelWidth, spacing.pixelHeight);
    const cells = model.memory(this.index, tick);
    const [least, most] = model.range(this.index, tick);
    const since = model.phaseStart(tick);
    const small = spacing.size < 5;
    for (let y = 0; y < grid.height; y++) {
      for (let x = 0; x < grid.width; x++) {
        const at = elementAt(grid, x, y);
        if (at < 0) continue;
        const cell = cells.get(at);
        const [left, top] = [spacing.x(x), spacing.y(y)];
        const [w, h] = [spacing.size - (small ? 0 : 1), spacing.height - (small ? 0 : 1)];
        draw.fillStyle = cell ? heatOf(palette, cell.value, least, most) : palette.cell;
        draw.fillRect(left, top, w, h);
        if (cell && cell.tick >= since) {
          // A corner in the writer's colour: new since the last barrier.
          draw.fillStyle = palette.warps[Math.floor(cell.thread / 32) % 8]!;
          const corner = small ? w : Math.max(3, Math.min(w, h) * 0.34);
          draw.beginPath();
          draw.moveTo(left + w - corner, top);
          draw.lineTo(left + w, top);
          draw.lineTo(left + w, top + corner);
          draw.fill();
        }
        if (cell && spacing.size >= 26 && h >= 12) {
          draw.fillStyle = inkOn(palette, cell.value, least, most);
          draw.font = "10px ui-monospace, monospace";
          draw.textAlign = "center";
          draw.textBaseline = "middle";
          draw.fillText(shortValue(cell.value), left + w / 2, top + h / 2 + 1, w - 3);
        }
      }
    }
    const asked = askedAt(this.state, this.index);
    for (const { warp, request } of asked) {
      draw.strokeStyle = palette.warps[warp % 8]!;
      draw.lineWidth = small ? 1 : 2;
      for (const touch of touchesOf(request, this.target.elementBytes)) {
        for (let at = touch.element; at < touch.element + touch.count; at++) {
          const cell = cellOf(grid, at);
          if (!cell) continue;
          const [left, top] = [spacing.x(cell[0]), spacing.y(cell[1])];
          draw.setLineDash(request[0] === RequestKind.load ? [] : [3, 2]);
          draw.strokeRect(left + 0.5, top + 0.5, spacing.size - 2, spacing.height - 2);
        }
      }
    }
    draw.setLineDash([]);
    tellCosts(this.#cost, asked, chosen, sharedCost);
    this.root.classList.toggle("live", asked.length > 0);
  }

  #tell(x: number, y: number): string {
    const at = this.#spacing?.element(x, y) ?? -1;
    if (at < 0) return "";
    const { model, tick } = this.state;
    const cell = model.memory(this.index, tick).get(at);
    const name = `${this.target.name}${this.target.shape.length ? coordinates(this.target.shape, at) : ""}`;
    const bank = Math.floor((at * this.target.elementBytes) / 4) % 32;
    if (!cell) return `${name}\nnothing written yet\nbank ${bank}`;
    const who = threadName(cell.thread, model.trace.block);
    return `${name} = ${shortValue(cell.value)}\nwritten by thread ${who} (warp ${Math.floor(cell.thread / 32)}), line ${cell.line}, step ${cell.tick + 1}\nbank ${bank}`;
  }
}

/** A place on the scale from 0 to 1; below zero a scale of its own. */
function shade(value: number | string, least: number, most: number): number {
  if (typeof value === "string") return 0;
  if (least < 0) return Math.max(-1, Math.min(1, value / Math.max(-least, most, 1e-30)));
  return most > least ? Math.max(0, Math.min(1, (value - least) / (most - least))) : 0.6;
}

function heatOf(palette: Palette, value: number | string, least: number, most: number): string {
  const at = shade(value, least, most);
  const scale = at < 0 ? palette.cold : palette.heat;
  return scale[Math.min(scale.length - 1, Math.floor(Math.abs(at) * scale.length))]!;
}

function inkOn(palette: Palette, value: number | string, least: number, most: number): string {
  const strong = Math.abs(shade(value, least, most)) > 0.5;
  return strong === palette.dark ? "#10151c" : strong ? "#ffffff" : palette.ink;
}
