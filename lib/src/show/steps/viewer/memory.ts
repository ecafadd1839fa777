/// <reference lib="dom" />
import { RequestKind, type StepRequest, type StepTarget } from "../trace";
import { globalCost } from "./costs";
import { element, type Palette, Surface, type Tooltip } from "./dom";
import { cellOf, columnsOf, coordinates, elementAt, type Grid, gridOf, Spacing } from "./layout";
import { type Model, threadName, touchesOf } from "./model";
import type { State } from "./state";

/** A request at hand with the warp that makes it. */
export interface Asked {
  readonly warp: number;
  readonly line: number;
  readonly request: StepRequest;
}

/** The requests that warps make at a tick, to one target. */
export function askedAt(state: State, target: number): Asked[] {
  const { model, tick, warp: chosen, alone } = state;
  return model.block.warps.flatMap((_, warp) => {
    const { state: now, step } = model.at(warp, tick);
    if (now !== "runs" || !step || (alone && warp !== chosen)) return [];
    return step[5]
      .filter((request) => request[1] === target)
      .map((request) => ({ warp, line: step[0], request }));
  });
}

/** Writes what the chosen warp's requests cost, each said once. */
export function tellCosts(
  where: HTMLElement,
  asked: readonly Asked[],
  chosen: number,
  cost: (request: StepRequest) => string,
): void {
  const own = asked.filter((one) => one.warp === chosen).map(({ request }) => cost(request));
  const told = [...new Set(own)].slice(0, 3);
  where.replaceChildren(...told.map((text) => element("span", {}, `warp ${chosen} ${text}`)));
}

/** A tensor's tiles: where the block has been, where its warps are now, and the sectors that move for it. */
export class TensorView {
  readonly root: HTMLElement;
  readonly #surface: Surface;
  readonly #cost = element("p", { class: "cost" });
  readonly #caption = element("small", {});
  #first = new Map<number, number>();
  #grid: Grid | null = null;
  #model: Model | null = null;
  #spacing: Spacing | null = null;

  constructor(
    readonly state: State,
    readonly index: number,
    readonly target: StepTarget,
    tooltip: Tooltip,
  ) {
    this.#surface = new Surface(`elements of ${target.name}`);
    const scroll = element("div", { class: "scroll", tabindex: "0" }, this.#surface.canvas);
    this.root = element(
      "div",
      { class: "target" },
      element(
        "h3",
        {},
        element("code", {}, target.name),
        ` ${target.dtype}[${target.shape.join(" × ")}]`,
        this.#caption,
      ),
      scroll,
      this.#cost,
    );
    tooltip.attach(this.#surface.canvas, (x, y) => this.#tell(x, y));
  }

  show(palette: Palette): void {
    if (this.#model !== this.state.model) this.#survey();
    const { tick, warp: chosen } = this.state;
    const grid = this.#grid;
    this.root.hidden = grid === null;
    if (!grid) return;
    const { elementBytes } = this.target;
    const sector = Math.max(1, Math.floor(32 / elementBytes));
    const room = Math.max(160, (this.root.clientWidth || 600) - 6);
    const spacing = new Spacing(grid, sector, room, 16);
    this.#spacing = spacing;
    const draw = this.#surface.begin(spacing.pixelWidth, spacing.pixelHeight);
    const inset = spacing.size > 4 ? 1 : 0;
    const fill = (at: number, color: string, shrink = inset): void => {
      const cell = cellOf(grid, at);
      if (!cell) return;
      draw.fillStyle = color;
      draw.fillRect(
        spacing.x(cell[0]) + shrink,
        spacing.y(cell[1]) + shrink,
        Math.max(1, spacing.size - 2 * shrink),
        Math.max(1, spacing.height - 2 * shrink),
      );
    };
    for (let y = 0; y < grid.height; y++) {
      for (let x = 0; x < grid.width; x++) {
        const at = elementAt(grid, x, y);
        if (at < 0) continue;
        const seen = this.#first.get(at);
        fill(at, seen !== undefined && seen < tick ? palette.seen : palette.cell);
      }
    }
    const asked = askedAt(this.state, this.index);
    for (const { request } of asked) {
      for (const touch of touchesOf(request, elementBytes)) {
        const first = Math.floor(touch.element / sector) * sector;
        const end = Math.ceil((touch.element + touch.count) / sector) * sector;
        for (let at = first; at < end; at++) fill(at, palette.sector, 0);
      }
    }
    for (const { warp, request } of asked) {
      for (const touch of touchesOf(request, elementBytes)) {
        for (let at = touch.element; at < touch.element + touch.count; at++) {
          fill(at, palette.warps[warp % 8]!);
          if (request[0] !== RequestKind.load && spacing.size >= 4)
            fill(at, palette.paper, spacing.size * 0.32);
        }
      }
    }
    tellCosts(this.#cost, asked, chosen, globalCost);
    this.root.classList.toggle("live", asked.length > 0);
  }

  /** Which elements the block ever touches, and when first. */
  #survey(): void {
    this.#model = this.state.model;
    this.#first = new Map();
    const columns = columnsOf(this.target.shape);
    const least: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    const most: [number, number] = [-1, -1];
    for (const steps of this.#model.block.warps) {
      for (const step of steps) {
        for (const request of step[5]) {
          if (request[1] !== this.index) continue;
          for (const touch of touchesOf(request, this.target.elementBytes)) {
            for (let at = touch.element; at < touch.element + touch.count; at++) {
              const before = this.#first.get(at);
              if (before === undefined || step[1] < before) this.#first.set(at, step[1]);
              const place = [Math.floor(at / columns), at % columns] as const;
              for (const axis of [0, 1] as const) {
                least[axis] = Math.min(least[axis], place[axis]);
                most[axis] = Math.max(most[axis], place[axis]);
              }
            }
          }
        }
      }
    }
    this.#grid = most[0] < 0 ? null : gridOf(this.target, least, most);
    const grid = this.#grid;
    const rows = Math.ceil(this.target.shape.reduce((a, b) => a * b, 1) / columns);
    this.#caption.textContent =
      grid && (grid.rows < rows || grid.cols < columns)
        ? `shown: rows ${grid.row0} to ${grid.row0 + grid.rows - 1}, columns ${grid.col0} to ${grid.col0 + grid.cols - 1}`
        : "";
  }

  #tell(x: number, y: number): string {
    const at = this.#spacing?.element(x, y) ?? -1;
    if (at < 0) return "";
    const lines = [`${this.target.name}${coordinates(this.target.shape, at)}`];
    for (const { warp, line, request } of askedAt(this.state, this.index)) {
      for (const touch of touchesOf(request, this.target.elementBytes)) {
        if (at < touch.element || at >= touch.element + touch.count) continue;
        const who = threadName(warp * 32 + touch.lane, this.state.model.trace.block);
        lines.push(`${["read", "written", "updated"][request[0]]} by thread ${who}, line ${line}`);
        if (lines.length > 5) return `${lines.join("\n")}\n...`;
      }
    }
    const first = this.#first.get(at);
    if (lines.length === 1)
      lines.push(first === undefined ? "not touched by this block" : `first touched at step ${first + 1}`);
    return lines.join("\n");
  }
}
