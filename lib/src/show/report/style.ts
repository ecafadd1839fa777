/** The page's style: two colour schemes by the reader's setting, one column, and a print form without colour fills. */
export const style = `
:root { color-scheme: light dark; --bg: #ffffff; --fg: #1c2430; --soft: #566170; --line: #d9dee5; --card: #f5f7fa; --accent: #1f66b5; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171c; --fg: #e3e7ec; --soft: #9aa5b3; --line: #323944; --card: #1d222a; --accent: #6fb0f5; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 12px; }
body { margin: 0; background: var(--bg); color: var(--fg); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 960px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; }
h2 { font-size: 23px; margin: 52px 0 10px; padding-top: 16px; border-top: 2px solid var(--line); }
h3 { font-size: 18px; margin: 30px 0 6px; } h4 { font-size: 15px; margin: 22px 0 4px; }
p, ul, ol { margin: 8px 0; overflow-wrap: anywhere; } li { margin: 2px 0; } .soft { color: var(--soft); font-size: 14px; font-weight: 400; }
a { color: var(--accent); }
nav ol { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 4px 26px; }
nav ol ol { margin: 0; font-size: 14px; gap: 2px 12px; }
nav > ol > li { flex: 0 1 auto; }
.skip { position: absolute; left: -999px; } .skip:focus { left: 12px; top: 8px; background: var(--bg); padding: 6px 10px; z-index: 2; }
.cards { display: flex; flex-wrap: wrap; gap: 12px; margin: 18px 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 16px; min-width: 118px; flex: 1 1 118px; max-width: 180px; }
.card b { display: block; font-size: 22px; line-height: 1.3; } .card span { color: var(--soft); font-size: 13px; }
.lab-scroll { margin: 6px 0 12px; }
.lab-table th { border-bottom: 2px solid var(--line); color: var(--soft); font-weight: 600; } .lab-table td { border-bottom: 1px solid var(--line); }
.lab-table:not(.names) td:last-child[style*="left"] { white-space: normal !important; min-width: 30ch; }
.environments { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 0 36px; align-items: start; }
.lab-table.names { width: 100%; } .lab-table.names caption { text-align: left; font-weight: 600; padding: 10px 0 4px; }
.lab-table.names th, .lab-table.names td { border-bottom: 1px solid var(--line); }
.lab-table.names th { color: var(--fg); text-align: left; vertical-align: top; padding: 3px 14px 3px 0; } .lab-table.names td { padding: 3px 0; }
.lab-figure svg { min-width: 540px; }
.lab-scroll:focus-visible, summary:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
details { margin: 10px 0; } summary { cursor: pointer; color: var(--accent); padding: 4px 0; }
.notice { border-left: 4px solid #c28a14; background: var(--card); padding: 8px 14px; border-radius: 0 6px 6px 0; }
.author { border: 1px dashed var(--line); border-radius: 8px; padding: 6px 16px; }
@page { margin: 14mm 12mm; }
@media print {
  :root { color-scheme: light; --bg: #ffffff; --fg: #000000; --soft: #444444; --line: #bbbbbb; --card: #ffffff; --accent: #000000; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; } h1 { font-size: 18pt; }
  h2 { font-size: 14pt; margin-top: 20px; } h3 { font-size: 11.5pt; } h2, h3, h4, figcaption { break-after: avoid; }
  nav, .skip, iframe, details:not([open]) { display: none; } details[open] > summary { color: var(--fg); }
  .lab-scroll { overflow: visible !important; } .lab-figure svg { min-width: 0; width: 100%; height: auto; }
  .lab-figure, .card, .notice, tr, li { break-inside: avoid; } thead { display: table-header-group; }
  body { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .lab-table { font-size: 7pt !important; } .lab-table th, .lab-table td { padding: 1px 4px !important; } .lab-table:not(.names) :is(th, td):last-child { min-width: 0 !important; } .lab-table td:nth-child(-n+2) { white-space: normal !important; min-width: 13ch; }
}`;
