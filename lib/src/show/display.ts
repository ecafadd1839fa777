import type { Figure } from "./figure";
import type { TableView } from "./table";

/** What can be shown: a picture, a table, or HTML with a text to stand in for it. */
export type Showable = Figure | TableView | { readonly html: string; readonly text: string };

interface NotebookDisplay {
  html(html: string): void;
}

/** True inside a TypeScript notebook. */
export function insideNotebook(): boolean {
  return notebookDisplay() !== null;
}

/**
 * Shows a picture or table in the notebook; elsewhere answers it: the SVG of a picture, the text of a table.
 *
 * @returns the SVG or text outside a notebook, nothing inside one (so that a cell does not print it again)
 * @example lab.show(lab.barPlot(records))
 */
export function show(item: Showable): string | undefined {
  const display = notebookDisplay();
  if (display) {
    display.html(item.html);
    return undefined;
  }
  return "svg" in item ? item.svg : item.text;
}

// tslab's kernel process has loaded its own jupyter.js; asking for the package elsewhere would start nothing useful.
function notebookDisplay(): NotebookDisplay | null {
  const loaded = Object.keys(require.cache).some((file) => /[\\/]tslab[\\/]dist[\\/]jupyter\.js$/.test(file));
  if (!loaded) return null;
  const tslab = require("tslab") as { display?: NotebookDisplay };
  return tslab.display ?? null;
}
