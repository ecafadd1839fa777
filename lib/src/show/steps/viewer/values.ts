/// <reference lib="dom" />
import { element, type Palette, Surface, type Tooltip } from "./dom";
import { type Held, Locals } from "./locals";
import { type Model, shortValue } from "./model";
import type { State } from "./state";

const WIDTH = 256;
const HEIGHT = 22;

/** The named locals of the chosen warp: a bar a lane, and the value where all lanes agree. */
export class ValuesPanel {
  readonly root: HTMLElement;
  readonly #list = element("div", { class: "values" });
  readonly #title = element("span", {});
  readonly #rows = new Map<
    Held["local"],
    { row: HTMLElement; surface: Surface; text: HTMLElement; held: Held }
  >();
  #locals: Locals;
  #model: Model;

  constructor(
    readonly state: State,
    readonly tooltip: Tooltip,
  ) {
    this.#model = state.model;
    this.#locals = new Locals(state.model);
    this.root = element(
      "section",
      { class: "panel", "aria-label": "Named locals of the chosen warp" },
      element("h2", {}, this.#title, element("small", {}, "a bar a lane; bright: set by this step")),
      this.#list,
    );
  }

  show(palette: Palette): void {
    if (this.#model !== this.state.model) {
      this.#model = this.state.model;
      this.#locals = new Locals(this.#model);
    }
    const { warp, tick } = this.state;
    const { index, state } = this.#model.at(warp, tick);
    this.#title.textContent = `Values of warp ${warp}`;
    const held = state === "before" || state === "ended" ? [] : this.#locals.at(warp, index);
    const rows = held.map((one) => this.#draw(one, palette, state === "runs"));
    if (rows.length === 0) rows.push(element("p", { class: "none" }, "No named local holds a value here."));
    this.#list.replaceChildren(...rows);
  }

  #draw(held: Held, palette: Palette, fresh: boolean): HTMLElement {
    const known = this.#rows.get(held.local) ?? this.#make(held);
    known.held = held;
    const { local, values, changed } = held;
    const isArray = local.shape.length > 0;
    const count = isArray ? local.shape.reduce((a, b) => a * b, 1) : 32;
    const present = values.filter((value) => value !== undefined);
    const same = present.every((value) => value === present[0]);
    known.text.textContent = same
      ? shortValue(present[0]!)
      : `${shortValue(present[0]!)} … ${shortValue(present[present.length - 1]!)}`;
    known.row.classList.toggle("fresh", fresh && changed.size > 0);
    const numbers = values.map((value) =>
      typeof value === "number" && Math.abs(value) < 1e30 ? value : Number.NaN,
    );
    const finite = numbers.filter((value) => !Number.isNaN(value));
    const most = Math.max(0, ...finite);
    const least = Math.min(0, ...finite);
    const span = most - least || 1;
    const zero = 2 + ((HEIGHT - 4) * most) / span;
    const draw = known.surface.begin(WIDTH, HEIGHT);
    const step = WIDTH / count;
    for (let i = 0; i < count; i++) {
      const value = numbers[i];
      if (values[i] === undefined) continue;
      draw.fillStyle = fresh && changed.has(i) ? palette.warps[this.state.warp % 8]! : palette.soft;
      draw.globalAlpha = fresh && changed.has(i) ? 1 : 0.55;
      if (value === undefined || Number.isNaN(value)) {
        draw.fillRect(i * step, HEIGHT / 2, Math.max(1, step - 1), 1);
        continue;
      }
      const height = ((HEIGHT - 4) * value) / span;
      draw.fillRect(
        i * step,
        zero - Math.max(height, 0),
        Math.max(1, step - 1),
        Math.max(1, Math.abs(height)),
      );
    }
    draw.globalAlpha = 1;
    return known.row;
  }

  #make(held: Held): { row: HTMLElement; surface: Surface; text: HTMLElement; held: Held } {
    const { name, dtype, shape, line } = held.local;
    const surface = new Surface(`values of ${name}, lane by lane`);
    const text = element("output", {});
    const about = shape.length > 0 ? `${dtype}[${shape.join(" × ")}], lane 0` : dtype;
    const row = element(
      "div",
      { class: "value" },
      element("code", { title: `declared on line ${line}` }, name),
      element("small", {}, about),
      surface.canvas,
      text,
    );
    const made = { row, surface, text, held };
    this.#rows.set(held.local, made);
    this.tooltip.attach(surface.canvas, (x) => {
      const { values } = made.held;
      const count = shape.length > 0 ? shape.reduce((a, b) => a * b, 1) : 32;
      const at = Math.floor((x / surface.canvas.clientWidth) * count);
      const value = values[at];
      const what = shape.length > 0 ? `${name}[${at}]` : `lane ${at}: ${name}`;
      return value === undefined ? `${what} holds nothing here` : `${what} = ${value}`;
    });
    return made;
  }
}
