/// <reference lib="dom" />
import type { StepTrace } from "../trace";
import { Controls } from "./controls";
import { element, icon, readPalette, Tooltip } from "./dom";
import { LanesPanel } from "./lanes";
import { TensorView } from "./memory";
import { Model } from "./model";
import { SharedView } from "./shared";
import { SourcePanel } from "./source";
import { State } from "./state";
import { Timeline } from "./timeline";
import { ValuesPanel } from "./values";

/** Builds the page below `host` and shows the first step. */
export function start(host: HTMLElement, trace: StepTrace): void {
  const state = new State(new Model(trace));
  const tooltip = new Tooltip();
  const source = new SourcePanel(state);
  const lanes = new LanesPanel(state, tooltip);
  const values = new ValuesPanel(state, tooltip);
  const timeline = new Timeline(state, tooltip);
  const controls = new Controls(state);
  const views = trace.targets.map((target, index) =>
    target.space === "shared"
      ? new SharedView(state, index, target, tooltip)
      : new TensorView(state, index, target, tooltip),
  );
  const of = (space: string): HTMLElement[] =>
    views.filter((view) => view.target.space === space).map((view) => view.root);
  const memory = [
    panel(
      "Shared memory",
      "colour: value; corner: written since the barrier; frame: read or written now",
      of("shared"),
    ),
    panel("Global memory", "grey: touched before; tint: the 32-byte sectors that move", of("global")),
  ];
  host.replaceChildren(
    header(state),
    source.root,
    element(
      "div",
      { class: "side" },
      element("div", { class: "stack" }, lanes.root, values.root),
      element("div", { class: "stack memory" }, ...memory),
    ),
    element("footer", {}, controls.root, timeline.root),
  );

  let palette = readPalette();
  const show = (): void => {
    source.show();
    lanes.show(palette);
    values.show(palette);
    for (const view of views) view.show(palette);
    timeline.show(palette);
    controls.show();
  };
  const repaint = (): void => {
    palette = readPalette();
    show();
  };
  state.onChange(show);
  window.addEventListener("resize", repaint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  document.documentElement.addEventListener("lab-theme", repaint);
  repaint();
}

function panel(title: string, note: string, children: readonly HTMLElement[]): HTMLElement {
  const made = element(
    "section",
    { class: "panel", "aria-label": title },
    element("h2", {}, title, element("small", {}, note)),
    ...children,
  );
  made.hidden = children.length === 0;
  return made;
}

/** What was run, which block is shown, light or dark. */
function header(state: State): HTMLElement {
  const { trace } = state.model;
  const size = (extents: readonly number[]): string => extents.filter((e, i) => i === 0 || e > 1).join(" × ");
  const threads = trace.block.reduce((a, b) => a * b, 1);
  const blocks = element("select", { "aria-label": "Block" });
  trace.blocks.forEach((block, i) => {
    blocks.append(element("option", { value: String(i) }, `block (${block.index.join(", ")})`));
  });
  blocks.addEventListener("change", () => state.choose(Number(blocks.value)));
  const theme = element(
    "button",
    { type: "button", class: "theme", "aria-label": "Light or dark" },
    icon("M10 2a8 8 0 1 0 .01 0zM10 4.5a5.5 5.5 0 0 1 0 11z"),
  );
  theme.addEventListener("click", () => {
    const root = document.documentElement;
    root.dataset.theme = readPalette().dark ? "light" : "dark";
    root.dispatchEvent(new CustomEvent("lab-theme"));
  });
  return element(
    "header",
    {},
    element("h1", {}, trace.kernel),
    element(
      "p",
      {},
      `${trace.fileName} · grid ${size(trace.grid)} · ${threads} threads a block${trace.block[1] * trace.block[2] > 1 ? ` as ${size(trace.block)}` : ""}`,
    ),
    trace.blocks.length > 1
      ? blocks
      : element("span", { class: "block" }, `block (${trace.blocks[0]!.index.join(", ")})`),
    theme,
  );
}

/** Unpacks the trace that the page carries and starts; called by the page. */
export async function open(): Promise<void> {
  const host = document.getElementById("lab-steps")!;
  const packed = document.getElementById("lab-trace")!.textContent ?? "";
  const bytes = Uint8Array.from(atob(packed.trim()), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  start(host, (await new Response(stream).json()) as StepTrace);
}
