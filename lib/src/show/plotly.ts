import { readFileSync } from "node:fs";
import { show } from "./display";
import { escapeHtml } from "./format";
import { colors, oursPalette } from "./theme";

/** A plotly figure: traces and layout as plotly.js takes them. */
export interface PlotlyFigure {
  readonly data: readonly object[];
  readonly layout?: object;
  readonly config?: object;
}

let drawn = 0;
let bundleSent = false;

/**
 * An interactive plot; a notebook gets plotly's program once, a page made elsewhere carries its own.
 *
 * @returns outside a notebook the HTML, self-contained
 * @example lab.plotly({ data: [{ type: "surface", z }], layout: { title: { text: "GB/s" } } })
 */
export function plotly(figure: PlotlyFigure, title = "interactive plot"): string | undefined {
  const withBundle = plotlyHtml(figure, { title, bundle: !bundleSent });
  const shown = show({ html: withBundle, text: "" });
  if (shown === undefined) {
    bundleSent = true;
    return undefined;
  }
  return bundleSent ? plotlyHtml(figure, { title, bundle: true }) : withBundle;
}

/** The HTML of an interactive plot, with plotly's own program in it when `bundle` is true. */
export function plotlyHtml(figure: PlotlyFigure, options: { title: string; bundle: boolean }): string {
  const id = `lab-plotly-${process.pid}-${++drawn}`;
  const layout = { template, margin: { t: 12, r: 16, b: 48, l: 60 }, ...figure.layout };
  const config = { responsive: true, displaylogo: false, ...figure.config };
  const call = `Plotly.newPlot(${[id, figure.data, layout, config].map(scriptText).join(", ")});`;
  const height = "height" in layout && typeof layout.height === "number" ? layout.height : 420;
  const title = escapeHtml(options.title);
  return (
    (options.bundle ? `<script>${bundle()}</script>` : "") +
    `<div style="font:600 15px system-ui,sans-serif;margin:0 0 4px">${title}</div>` +
    `<div id="${id}" role="img" aria-label="${title}" style="width:100%;height:${height}px"></div>` +
    `<script>${call}</script>`
  );
}

const axis = {
  gridcolor: "rgba(128,128,128,.25)",
  zerolinecolor: "rgba(128,128,128,.6)",
  exponentformat: "power",
};

/** What a figure does not say itself: our hues, and greys that are seen on white and on near-black. */
const template = {
  layout: {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colors.baseline, family: "system-ui, sans-serif", size: 13 },
    colorway: oursPalette,
    xaxis: axis,
    yaxis: axis,
  },
};

// A require.js on the page (classic notebooks) would swallow the bundle's global: hide it while loading.
function bundle(): string {
  const source = readFileSync(require.resolve("plotly.js-dist"), "utf8").replace(/<\/script/gi, "<\\/script");
  return `(function(){var define=undefined,module=undefined,exports=undefined;${source}\n}).call(window);`;
}

// JSON inside a script element: no "</script>", no line separators.
function scriptText(value: unknown): string {
  return JSON.stringify(value)
    .replace(/</g, "\\u003c")
    .replace(/\u2028/g, "\\u2028")
    .replace(/\u2029/g, "\\u2029");
}
