import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { escapeHtml } from "./format";
import type { Swatch } from "./theme";

/** A finished picture: an SVG that stands alone, the same as HTML with title, legend and caption. */
export interface Figure {
  readonly title: string;
  readonly caption: string;
  readonly svg: string;
  readonly html: string;
}

/** What surrounds the drawing. */
export interface FigureText {
  readonly title: string;
  readonly caption: string;
  readonly legend?: readonly Swatch[];
}

/** Draws an Observable Plot specification without a browser. */
export function figure(options: Plot.PlotOptions, text: FigureText): Figure {
  const { document } = parseHTML("<html><body></body></html>");
  const element = Plot.plot({
    ...options,
    document,
    className: "lab-plot",
    ariaLabel: text.title,
    style: { background: "none", fontSize: "13px", overflow: "visible" },
  } as Plot.PlotOptions) as unknown as { outerHTML: string };
  return svgFigure(element.outerHTML, text);
}

/** A finished picture of an SVG drawn elsewhere. */
export function svgFigure(drawing: string, text: FigureText): Figure {
  const svg = standAlone(drawing);
  const legend = (text.legend ?? []).map(swatchHtml).join("");
  const html =
    `<figure class="lab-figure" style="margin:0 0 1.2em;max-width:100%;font-family:system-ui,sans-serif">` +
    `<figcaption style="font-size:15px;font-weight:600;margin:0 0 4px">${escapeHtml(text.title)}</figcaption>` +
    (legend ? `<div style="font-size:13px;margin:0 0 4px">${legend}</div>` : "") +
    `<div class="lab-scroll" style="overflow-x:auto" tabindex="0" role="group" aria-label="${escapeHtml(text.title)}">${svg}</div>` +
    (text.caption
      ? `<div style="font-size:12.5px;opacity:.75;margin:4px 0 0;overflow-wrap:anywhere">${escapeHtml(text.caption)}</div>`
      : "") +
    `</figure>`;
  return { title: text.title, caption: text.caption, svg, html };
}

// A file needs the name space; a page does not mind it.
function standAlone(svg: string): string {
  const named = svg.startsWith("<svg xmlns")
    ? svg
    : svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"');
  return named.replace("<svg", '<svg role="img"');
}

function swatchHtml(swatch: Swatch): string {
  const box = swatch.hollow
    ? `background:none;border:2px solid ${swatch.color}`
    : `background:${swatch.color};border:2px solid ${swatch.color}`;
  return (
    `<span style="display:inline-flex;align-items:center;margin-right:14px;max-width:100%;overflow-wrap:anywhere">` +
    `<span style="width:9px;height:9px;border-radius:2px;margin-right:5px;${box}"></span>${escapeHtml(swatch.label)}</span>`
  );
}
