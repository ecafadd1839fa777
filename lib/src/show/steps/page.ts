import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { escapeHtml } from "../format";
import { inlineModules } from "./inline";
import { stepStyle } from "./style";
import type { StepTrace } from "./trace";

// The first is where the page begins; the rest in any order.
const viewer = [
  "viewer/main",
  "viewer/controls",
  "viewer/costs",
  "viewer/dom",
  "viewer/lanes",
  "viewer/layout",
  "viewer/locals",
  "viewer/memory",
  "viewer/model",
  "viewer/shared",
  "viewer/source",
  "viewer/state",
  "viewer/timeline",
  "viewer/values",
  "trace",
];
let program: string | undefined;

/**
 * A recorded launch as one HTML page to be stepped through, which asks the network for nothing.
 *
 * Keys: arrows left and right a step, up and down the warp, space plays, B the next barrier, Home and End.
 *
 * @example writeFileSync("softmax.html", lab.stepPage(trace))
 */
export function stepPage(trace: StepTrace): string {
  program ??= inlineModules(viewer.map((name) => join(__dirname, `${name}.js`)));
  const packed = gzipSync(JSON.stringify(trace), { level: 9 }).toString("base64");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(trace.kernel)}, step by step</title>
<link rel="icon" href="data:,">
<style>${stepStyle}</style>
</head>
<body>
<main id="lab-steps"><noscript>This page needs JavaScript.</noscript></main>
<script type="application/gzip;base64" id="lab-trace">${packed}</script>
<script>${program}.open();</script>
</body>
</html>
`;
}

// A frame of another origin sees of the page around it only the colour scheme of its own element, as what the reader
// prefers. JupyterLab and VS Code write on the body whether theirs is dark; elsewhere the system's wish is handed on.
const frameStyle = `<style>
iframe.lab-steps { color-scheme: light dark; }
[data-jp-theme-light="true"] iframe.lab-steps, .vscode-light iframe.lab-steps,
.vscode-high-contrast-light iframe.lab-steps { color-scheme: light; }
[data-jp-theme-light="false"] iframe.lab-steps, .vscode-dark iframe.lab-steps,
.vscode-high-contrast:not(.vscode-high-contrast-light) iframe.lab-steps { color-scheme: dark; }
</style>`;

/** The page inside a notebook's output: a frame of its own, so that several fit on one page; dark where that is. */
export function stepFrame(trace: StepTrace, height = 820): string {
  return (
    `${frameStyle}<iframe class="lab-steps" title="${escapeHtml(trace.kernel)}, step by step" sandbox="allow-scripts" loading="lazy" ` +
    `style="width:100%;height:${height}px;border:1px solid rgba(128,128,128,.35);border-radius:10px;resize:vertical;overflow:auto" ` +
    `srcdoc="${escapeHtml(stepPage(trace))}"></iframe>`
  );
}

/** One line about a trace, for where no page can be shown. */
export function stepText(trace: StepTrace): string {
  const [block] = trace.blocks;
  const steps = block ? block.warps.reduce((sum, warp) => sum + warp.length, 0) : 0;
  return `${trace.kernel}: ${trace.blocks.length} block(s), ${steps} warp steps over ${block?.ticks ?? 0} ticks, ${block?.barriers.length ?? 0} barriers. lab.stepPage(trace) makes a page of it.`;
}
