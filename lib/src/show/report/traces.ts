import type { StoredTrace } from "../../record/traceFile";
import type { Figure } from "../figure";
import { escapeHtml, formatShare } from "../format";
import { bankPicture } from "../lanes/banks";
import { divergencePicture } from "../lanes/divergence";
import { requestPicture } from "../lanes/request";
import { stepFrame, stepText } from "../steps/page";
import type { StepTrace } from "../steps/trace";
import { type CellValue, tableOf } from "../table";

type LensTrace = Extract<StoredTrace, { of: "lens" }>["trace"];
type Request = LensTrace["lines"][number]["requests"][number];

/** Requests drawn of one launch: those furthest above the fewest sectors or wavefronts that would do. */
const mostPictures = 3;

/** A kept trace as HTML: of the lens its lines and worst requests, of a recorded block the page to step through. */
export function traceHtml(stored: StoredTrace): string {
  const title = `<h4>${escapeHtml(stored.title)} <span class="soft">${escapeHtml(stored.trace.fileName)}</span></h4>`;
  if (stored.of === "lens") {
    const figures = worstPictures(stored.trace).map((f) => f.html);
    return [title, note(stored.trace), tableOf(lensRows(stored.trace)).html, ...figures].join("\n");
  }
  const trace = stored.trace as unknown as StepTrace;
  return [
    title,
    `<p class="soft">${escapeHtml(blocksText(trace))}</p>`,
    divergencePicture(trace, { title: `Warp 0 of ${trace.kernel}, a square a lane` }).html,
    `<details><summary>Step through the recorded block</summary>${stepFrame(trace, 760)}</details>`,
  ].join("\n");
}

/** A kept trace in Markdown: its table or one line. */
export function traceMarkdown(stored: StoredTrace): string {
  const title = `#### ${stored.title} (${stored.trace.fileName})`;
  const body =
    stored.of === "lens"
      ? tableOf(lensRows(stored.trace)).markdown
      : stepText(stored.trace as unknown as StepTrace);
  return `${title}\n\n${body}\n`;
}

/** A row for every instruction of the kernel that went to memory. */
export function lensRows(trace: LensTrace): Record<string, CellValue>[] {
  return trace.lines.flatMap(({ line, text, requests }) =>
    requests.map((r) => ({
      line,
      access: `${r.kind} ${r.space} ${r.exemplar.memory}`.trim(),
      requests: r.requests,
      moved: `${r.cost} ${unitOf(r)}`,
      "least possible": r.ideal,
      "of it needed": r.cost > 0 ? formatShare(r.ideal / r.cost) : "",
      source: text.trim(),
    })),
  );
}

function worstPictures(trace: LensTrace): Figure[] {
  const all = trace.lines.flatMap(({ line, requests }) => requests.map((request) => ({ line, request })));
  return all
    .filter(({ request }) => request.cost > request.ideal && ["global", "shared"].includes(request.space))
    .sort((a, b) => b.request.cost - b.request.ideal - (a.request.cost - a.request.ideal))
    .slice(0, mostPictures)
    .map(({ line, request }) => {
      const shown = { ...request.exemplar, width: request.width };
      const title = `Line ${line}: one request of a warp to ${request.exemplar.memory || "memory"}`;
      return request.space === "shared" ? bankPicture(shown, title) : requestPicture(shown, title);
    });
}

function note(trace: LensTrace): string {
  return trace.sampled
    ? '<p class="soft">Only some of the blocks were traced: the counts are of those alone.</p>'
    : "";
}

function blocksText(trace: StepTrace): string {
  const [x, y, z] = trace.grid;
  return `${trace.blocks.length} of ${x * y * z} blocks recorded, ${trace.blocks[0]?.ticks ?? 0} ticks.`;
}

function unitOf(request: Request): string {
  return request.space === "shared" ? "wavefronts" : "sectors";
}
