import { existsSync, readFileSync } from "node:fs";
import { LabError } from "../core/error";
import { kernelPath } from "../core/paths";
import { show } from "./display";
import { escapeHtml } from "./format";

const keywords =
  /^(?:__global__|__device__|__shared__|__restrict__|__launch_bounds__|extern|template|typename|struct|const|constexpr|return|if|else|for|while|static|auto|void|int|float|bool|unsigned|size_t|inline|using|alignas|static_assert)$/;

/**
 * Shows a kernel's source with line numbers: a file below kernels/ ("softmax/03_warp.cu") or a text.
 *
 * Outside a notebook the text is answered.
 *
 * @throws LabError "no-such-file"
 * @example lab.showSource("softmax/04_online.cu")
 */
export function showSource(fileOrText: string): string | undefined {
  const isText = fileOrText.includes("\n");
  if (!isText && !existsSync(kernelPath(fileOrText))) {
    throw new LabError("no-such-file", `Showing a kernel: there is no file ${kernelPath(fileOrText)}.`, {
      advice: "Give a path below kernels/, such as softmax/01_naive.cu, or the source itself.",
    });
  }
  const text = isText ? fileOrText : readFileSync(kernelPath(fileOrText), "utf8");
  return show({ text, html: sourceHtml(text, isText ? "" : `kernels/${fileOrText}`) });
}

/** The text of a kernel file below kernels/, to be edited in a cell. */
export function kernelSource(file: string): string {
  return readFileSync(kernelPath(file), "utf8");
}

/** Source as HTML: numbered lines, comments quiet, keywords and strings told apart by weight and slant. */
export function sourceHtml(text: string, title: string): string {
  const lines = text.replace(/\n$/, "").split("\n");
  const width = String(lines.length).length;
  const body = lines
    .map((line, i) => `<span style="opacity:.45">${String(i + 1).padStart(width)}</span>  ${lineHtml(line)}`)
    .join("\n");
  const head = title
    ? `<div style="font:600 13px system-ui,sans-serif;margin:0 0 4px">${escapeHtml(title)}</div>`
    : "";
  return (
    `<div class="lab-source" style="margin:0 0 1em">${head}<pre tabindex="0" role="region" aria-label="${escapeHtml(title || "source")}" ` +
    `style="font-size:12.5px;line-height:1.45;max-height:44em;overflow:auto;padding:8px 10px;border:1px solid rgba(128,128,128,.35);border-radius:4px;margin:0">${body}</pre></div>`
  );
}

function lineHtml(line: string): string {
  const at = line.indexOf("//");
  const code = at < 0 ? line : line.slice(0, at);
  const comment = at < 0 ? "" : `<i style="opacity:.7">${escapeHtml(line.slice(at))}</i>`;
  const words = code
    .split(/([A-Za-z_]\w*)/)
    .map((word) => (keywords.test(word) ? `<b>${word}</b>` : escapeHtml(word)))
    .join("");
  return words + comment;
}
