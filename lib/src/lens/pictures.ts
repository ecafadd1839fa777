import { LabError } from "../core/error";
import type { Figure } from "../show/figure";
import { bankPicture } from "../show/lanes/banks";
import { requestPicture } from "../show/lanes/request";
import type { AccessKind, LensReport, LensRequests } from "./report";

/** Which of a report's requests to draw; the costliest of those that fit. */
export interface RequestChoice {
  readonly space?: "global" | "shared";
  readonly kind?: AccessKind;
  /** Line of the kernel's source. */
  readonly line?: number;
  readonly title?: string;
}

/**
 * Draws the request of a launch that is furthest from the ideal: lanes to sectors for global memory, lanes to banks for
 * shared memory.
 *
 * @throws LabError "no-such-request" where none fits
 * @example
 * const report = await lab.lens(kernel, { grid: 4, block: 256 }, x, y, 8);
 * lab.show(lab.lensPicture(report, { space: "global", kind: "ld" }));
 */
export function lensPicture(report: LensReport, choice: RequestChoice = {}): Figure {
  const fits = report.lines
    .filter(({ line }) => choice.line === undefined || line === choice.line)
    .flatMap(({ line, requests }) => requests.map((request) => ({ line, request })))
    .filter(
      ({ request: { space, kind } }) =>
        drawable(space, choice.space) && (!choice.kind || kind === choice.kind),
    );
  const worst = fits.reduce<(typeof fits)[number] | null>(
    (best, one) => (best && excess(best.request) >= excess(one.request) ? best : one),
    null,
  );
  if (!worst) {
    throw new LabError(
      "no-such-request",
      `${report.kernel} made no request that fits ${JSON.stringify(choice)}.`,
      {
        advice: `It touched memory on lines ${lineList(report)}.`,
        kernel: report.kernel,
      },
    );
  }
  const { line, request } = worst;
  const title =
    choice.title ?? `Line ${line} of ${report.kernel}: ${request.kind} of ${request.width} bytes a lane`;
  const atomic = request.kind === "atom" || request.kind === "red";
  const example = { ...request.exemplar, width: request.width, atomic };
  return request.space === "shared" ? bankPicture(example, title) : requestPicture(example, title);
}

function drawable(space: LensRequests["space"], wanted: RequestChoice["space"]): boolean {
  return wanted === undefined ? space === "global" || space === "shared" : space === wanted;
}

function excess({ exemplar: { cost, ideal } }: LensRequests): number {
  return cost / Math.max(1, ideal);
}

function lineList(report: LensReport): string {
  const lines = report.lines.filter(({ requests }) => requests.length > 0).map(({ line }) => line);
  return lines.length > 0 ? lines.join(", ") : "none";
}
