/// <reference lib="dom" />

type Child = Node | string;

/** Makes an element; `class`, `aria-...` and the like as attributes. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A sign of lines and filled shapes, in the colour of the text around it. */
export function icon(path: string): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const shape = document.createElementNS(space, "path");
  for (const [name, value] of [
    ["viewBox", "0 0 20 20"],
    ["width", "18"],
    ["height", "18"],
    ["aria-hidden", "true"],
  ] as const) {
    svg.setAttribute(name, value);
  }
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

/** A canvas that is redrawn at the screen's resolution, in CSS pixels. */
export class Surface {
  readonly canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;

  constructor(label: string) {
    this.canvas = element("canvas", { role: "img", "aria-label": label });
    this.#context = this.canvas.getContext("2d")!;
  }

  /** Sets the size, clears, and answers a context to draw with. */
  begin(width: number, height: number): CanvasRenderingContext2D {
    const scale = window.devicePixelRatio || 1;
    const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w;
      this.canvas.height = h;
      this.canvas.style.width = `${width}px`;
      this.canvas.style.height = `${height}px`;
    }
    const context = this.#context;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    return context;
  }
}

/** The page's colours, read again when the theme changes. */
export interface Palette {
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly paper: string;
  readonly cell: string;
  readonly seen: string;
  readonly sector: string;
  readonly barrier: string;
  readonly warps: readonly string[];
  readonly heat: readonly string[];
  readonly cold: readonly string[];
  readonly dark: boolean;
}

/** Reads the custom properties of the page's style. */
export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const list = (name: string): string[] => of(name).split(/\s+/);
  return {
    ink: of("ink"),
    soft: of("soft"),
    line: of("line"),
    paper: of("paper"),
    cell: of("cell"),
    seen: of("seen"),
    sector: of("sector"),
    barrier: of("barrier"),
    warps: list("warps"),
    heat: list("heat"),
    cold: list("cold"),
    dark: of("dark") === "1",
  };
}

/** One tooltip for the page: of a canvas, and of anything with a `data-tip`. */
export class Tooltip {
  readonly #box = element("div", { class: "tip", role: "status", hidden: "" });

  constructor() {
    document.body.append(this.#box);
  }

  /** Shows what `tell` says of the place under the pointer; nothing where it answers "". */
  attach(target: HTMLElement, tell: (x: number, y: number) => string): void {
    target.addEventListener("pointermove", (event) => {
      const at = target.getBoundingClientRect();
      const text = tell(event.clientX - at.left, event.clientY - at.top);
      this.#box.hidden = text === "";
      if (text === "") return;
      this.#box.textContent = text;
      const width = this.#box.offsetWidth;
      const left = Math.min(event.clientX + 14, window.innerWidth - width - 8);
      const above = event.clientY + 18 + this.#box.offsetHeight > window.innerHeight;
      this.#box.style.left = `${Math.max(4, left)}px`;
      this.#box.style.top = `${above ? event.clientY - this.#box.offsetHeight - 12 : event.clientY + 18}px`;
    });
    target.addEventListener("pointerleave", () => {
      this.#box.hidden = true;
    });
  }
}
