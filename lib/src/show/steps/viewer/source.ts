/// <reference lib="dom" />
import { element } from "./dom";
import { lanesOf } from "./model";
import type { State } from "./state";

const word =
  /(\/\/.*$)|("(?:\\.|[^"])*")|\b(__\w+__|__\w+|extern|template|typename|struct|const|constexpr|return|if|else|for|while|do|switch|case|break|continue|static|auto|using|inline|sizeof)\b|\b(void|int|float|double|bool|char|short|long|unsigned|size_t|half|float2|float4|u?int\d+_t)\b|\b(threadIdx|blockIdx|blockDim|gridDim|warpSize)\b|\b(\d[\w.]*)\b/g;
const kinds = ["comment", "text", "key", "type", "built", "number"] as const;

/** A line of source as spans. */
function coloured(line: string): Node[] {
  const nodes: Node[] = [];
  let done = 0;
  for (const match of line.matchAll(word)) {
    const kind = kinds[match.slice(1).findIndex((group) => group !== undefined)]!;
    if (match.index > done) nodes.push(document.createTextNode(line.slice(done, match.index)));
    nodes.push(element("span", { class: `c-${kind}` }, match[0]));
    done = match.index + match[0].length;
  }
  nodes.push(document.createTextNode(line.slice(done)));
  return nodes;
}

/** The source with a coloured chip for every warp beside the line it is on. */
export class SourcePanel {
  readonly root: HTMLElement;
  readonly #rows: { row: HTMLElement; chips: HTMLElement }[];
  #followed = 0;

  constructor(readonly state: State) {
    const lines = state.model.trace.source.replace(/\n$/, "").split("\n");
    const list = element("div", { class: "code", role: "list" });
    this.#rows = lines.map((line, i) => {
      const chips = element("span", { class: "chips" });
      const row = element(
        "div",
        { class: "row", role: "listitem" },
        element("span", { class: "number", "aria-hidden": "true" }, String(i + 1)),
        chips,
        element("code", {}, ...coloured(line)),
      );
      list.append(row);
      return { row, chips };
    });
    list.style.setProperty("--chips", String(Math.min(8, state.model.block.warps.length)));
    this.root = element(
      "section",
      { class: "panel source", "aria-label": "Source, with the line each warp is on", tabindex: "0" },
      list,
    );
  }

  show(): void {
    const { model, tick, warp: chosen, alone } = this.state;
    const byLine = new Map<number, { warp: number; lanes: number; runs: boolean }[]>();
    model.block.warps.forEach((_, warp) => {
      const { state, step } = model.at(warp, tick);
      if (!step || state === "ended" || (alone && warp !== chosen)) return;
      const here = byLine.get(step[0]) ?? [];
      here.push({ warp, lanes: lanesOf(step[2]).length, runs: state === "runs" });
      byLine.set(step[0], here);
    });
    this.#rows.forEach(({ row, chips }, i) => {
      const here = byLine.get(i + 1) ?? [];
      chips.replaceChildren(...here.map(chip));
      row.classList.toggle(
        "here",
        here.some((one) => one.runs),
      );
      row.classList.toggle(
        "chosen",
        here.some((one) => one.warp === chosen && one.runs),
      );
    });
    this.#follow(model.at(chosen, tick).step?.[0] ?? 0);
  }

  /** Keeps the chosen warp's line in view, without moving the page. */
  #follow(line: number): void {
    const row = this.#rows[line - 1]?.row;
    if (!row || line === this.#followed) return;
    this.#followed = line;
    const box = this.root;
    const above = row.offsetTop - box.scrollTop;
    if (above < 60 || above > box.clientHeight - 90) box.scrollTop = row.offsetTop - box.clientHeight * 0.4;
  }
}

function chip({ warp, lanes, runs }: { warp: number; lanes: number; runs: boolean }): HTMLElement {
  const what = runs ? (lanes === 32 ? "all lanes" : `${lanes} of its lanes`) : "waiting";
  const made = element(
    "span",
    { class: `chip w${warp % 8}${runs ? "" : " idle"}`, title: `warp ${warp}: ${what}` },
    String(warp),
  );
  // A split warp's chip is filled as far as its lanes are here.
  made.style.setProperty("--part", `${(lanes / 32) * 100}%`);
  return made;
}
