import { oursPalette } from "../theme";

// The same rules for the system's wish and for the button on the page.
const darkColours = `--paper: #161b22; --page: #0e1217; --ink: #e6ebf1; --soft: #94a0ae; --line: #2b333d; --accent: #6fb0f5; --mark: #2b2a1c;
  --cell: #222932; --seen: #3a4552; --sector: #5c4a1c; --barrier: #e6ebf1; --dark: 1;
  --heat: #14243a #17345a #1d4a80 #2666ab #3a84cf #5ea1e4 #8fc0f0 #c4dff8;
  --cold: #331c14 #53281a #7a3920 #a44d2a #cb683f #e08a65 #eeb095 #f8d6c7;
  --key: #c79bea; --type: #6cc4cc; --built: #eba26f; --num: #8fbdf4; --text: #7fce9e; color-scheme: dark;`;
const dark = `@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { ${darkColours} } }
:root[data-theme="dark"] { ${darkColours} }`;
const chips = oursPalette.map((colour, i) => `.w${i} { --c: ${colour}; }`).join(" ");

/** The page's style. Colours are custom properties, which the canvases read too: see viewer/dom.ts. */
export const stepStyle = `
:root {
  --paper: #ffffff; --page: #f4f6f9; --ink: #17202c; --soft: #66717f; --line: #dde3ea; --accent: #1f66b5; --mark: #fff6d6;
  --cell: #eceff3; --seen: #cbd3dc; --sector: #f3dfae; --barrier: #17202c; --dark: 0;
  --warps: ${oursPalette.join(" ")};
  --heat: #e3eefa #c9dff5 #a4c9ee #79aee4 #4f91d8 #2f74c0 #1e58a0 #143f7a;
  --cold: #fbeae3 #f6d3c5 #efb59e #e5926f #d87048 #bd5530 #994122 #733018;
  --key: #8250a8; --type: #0b6b74; --built: #a4501c; --num: #1f5fae; --text: #1f7a43; color-scheme: light;
}
${dark}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--page); color: var(--ink); font: 14px/1.45 system-ui, sans-serif; }
#lab-steps { display: grid; height: 100vh; height: 100dvh; min-height: 480px; gap: 10px; padding: 12px 14px 0;
  grid-template: auto minmax(0, 1fr) auto / minmax(0, 1.12fr) minmax(0, 1fr); }
header { grid-column: 1 / -1; display: flex; align-items: baseline; gap: 4px 14px; flex-wrap: wrap; }
h1 { font: 650 19px/1.2 ui-monospace, "SF Mono", Menlo, Consolas, monospace; margin: 0; overflow-wrap: anywhere; }
header p { margin: 0; color: var(--soft); } .block { color: var(--soft); } .theme { margin-left: auto; align-self: center; } .theme svg { stroke: none; fill-rule: evenodd; }
h2 { font-size: 13px; font-weight: 650; margin: 0 0 8px; } h3 { font-size: 12.5px; font-weight: 400; margin: 0 0 4px; color: var(--soft); }
h3 code { font-weight: 650; color: var(--ink); font-size: 13px; }
small { font-weight: 400; color: var(--soft); font-size: 11.5px; margin-left: 9px; }
code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
button, select { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 7px; padding: 3px 9px; cursor: pointer; }
button:hover { border-color: var(--soft); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.panel { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 11px 13px; }
.source { overflow: auto; padding: 8px 0; position: relative; }
.code { font: 12.5px/1.6 ui-monospace, "SF Mono", Menlo, Consolas, monospace; width: max-content; min-width: 100%; }
.row { display: grid; grid-template-columns: 3em calc(var(--chips) * 17px + 14px) 1fr; white-space: pre; padding-right: 14px; }
.number { color: var(--soft); opacity: .65; text-align: right; padding-right: 10px; user-select: none; }
.row.here { background: var(--mark); } .row.chosen { box-shadow: inset 3px 0 0 var(--accent); }
.row.chosen code { font-weight: 600; }
.chips { display: flex; gap: 2px; align-items: center; overflow: hidden; flex-wrap: wrap; align-content: center; padding-right: 8px; }
.chip { --c: var(--soft); display: inline-flex; justify-content: center; min-width: 15px; height: 15px; padding: 0 2px; border-radius: 4px; font: 650 10px/15px system-ui, sans-serif;
  color: #fff; background: linear-gradient(to right, var(--c) var(--part, 100%), color-mix(in srgb, var(--c) 45%, var(--paper)) var(--part, 100%)); flex: none; }
.chips:has(.chip:nth-child(9)) { gap: 1px; } .chips:has(.chip:nth-child(9)) .chip { min-width: 0; width: 8px; padding: 0; color: transparent; border-radius: 2px; }
.chip.idle { opacity: .38; }
${chips}
.c-comment { color: var(--soft); font-style: italic; } .c-text { color: var(--text); } .c-key { color: var(--key); } .c-type { color: var(--type); } .c-built { color: var(--built); } .c-number { color: var(--num); }
.side { overflow: auto; display: flex; flex-direction: column; gap: 10px; scrollbar-gutter: stable; } .stack { display: contents; }
.stack > :last-child:not(:only-child) { order: 2; } .memory > * { order: 1; } .memory > :last-child:not(:only-child) { order: 1; }
@media (min-width: 1700px) { #lab-steps { grid-template-columns: minmax(0, 1fr) minmax(0, 1.35fr); } .side { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1.1fr); align-items: start; } .stack { display: flex; flex-direction: column; gap: 10px; } }
.warps { display: flex; flex-direction: column; gap: 1px; }
.warp { display: flex; align-items: center; gap: 9px; border: 1px solid transparent; background: none; padding: 1px 5px; text-align: left; border-radius: 6px; }
.warp[aria-pressed="true"] { border-color: var(--accent); background: color-mix(in srgb, var(--accent) 8%, transparent); }
.warp .what { color: var(--soft); font-size: 12px; white-space: nowrap; min-width: 7.5em; } .warp canvas { flex: none; }
.target + .target { margin-top: 12px; } .scroll { overflow: auto; max-height: 300px; } canvas { display: block; }
.cost { margin: 3px 0 0; min-height: 1.4em; font-size: 12px; color: var(--soft); display: flex; flex-direction: column; }
.values { display: grid; grid-template-columns: max-content max-content 256px minmax(4em, 1fr); gap: 2px 12px; align-items: center; overflow-x: auto; }
.value { display: contents; } .value small { margin: 0; } .value canvas { background: color-mix(in srgb, var(--cell) 55%, transparent); border-radius: 3px; }
.value output { font: 12px ui-monospace, Menlo, Consolas, monospace; color: var(--soft); white-space: nowrap; }
.value.fresh output, .value.fresh code { color: var(--ink); font-weight: 650; } .none { color: var(--soft); grid-column: 1 / -1; margin: 0; }
footer { grid-column: 1 / -1; background: var(--paper); border: 1px solid var(--line); border-bottom: 0; border-radius: 10px 10px 0 0; padding: 8px 13px 10px; }
.controls { display: flex; align-items: center; gap: 8px 14px; flex-wrap: wrap; margin-bottom: 8px; } .buttons { display: flex; gap: 4px; }
.buttons button { min-width: 38px; min-height: 32px; font-size: 13px; padding: 2px 6px; display: inline-flex; align-items: center; justify-content: center; } button svg { display: block; fill: currentColor; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; } .buttons .play { background: var(--accent); color: var(--paper); border-color: var(--accent); min-width: 52px; }
.place { font-variant-numeric: tabular-nums; margin-right: auto; } .alone { color: var(--soft); }
.timeline { position: relative; } .timeline canvas { cursor: ew-resize; touch-action: none; } .timeline input { position: absolute; top: 0; margin: 0; opacity: 0; pointer-events: none; width: 1px; } .timeline:has(input:focus-visible) canvas { outline: 2px solid var(--accent); outline-offset: 2px; }
.tip { position: fixed; z-index: 9; background: var(--ink); color: var(--paper); padding: 5px 9px; border-radius: 7px; font-size: 12px; white-space: pre-line; pointer-events: none; max-width: 300px; }
@media (max-width: 1440px) { .row { grid-template-columns: 2.4em calc(var(--chips) * 13px + 10px) 1fr; } .chips { gap: 1px; padding-right: 4px; } .chip { min-width: 12px; padding: 0; } }
@media (max-width: 820px) {
  #lab-steps { display: block; height: auto; padding: 10px 10px 0; } #lab-steps > * { margin-bottom: 10px; }
  .source { max-height: 42vh; } .row { grid-template-columns: 2.4em min(76px, calc(var(--chips) * 17px + 10px)) 1fr; } .side { overflow: visible; }
  footer { position: sticky; bottom: 0; margin: 0 -10px !important; border-radius: 10px 10px 0 0; padding: 7px 10px 9px; box-shadow: 0 -4px 14px rgb(0 0 0 / .12); }
  .alone, .controls select { display: none; } .buttons { width: 100%; justify-content: space-between; } .buttons button { flex: 1; } .place { font-size: 12px; }
  .warp .what { min-width: 5em; } .values { grid-template-columns: max-content 150px minmax(3em, 1fr); } .value small { display: none; } .value canvas { width: 150px !important; } small { display: block; margin: 0; }
}
@media (prefers-reduced-motion: no-preference) { .row { transition: background-color .12s; } }
@media print { #lab-steps { height: auto; display: block; } footer { display: none; } }
`;
