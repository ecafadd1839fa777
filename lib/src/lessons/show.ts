import { show } from "../show/display";
import { escapeHtml } from "../show/format";
import { sourceHtml } from "../show/source";
import { tableOf } from "../show/table";
import { colors } from "../show/theme";
import { type Exercise, type Grade, gradeRows } from "./exercise";

const prose = "font:14px/1.5 system-ui,sans-serif;max-width:72em;margin:0 0 10px";

/**
 * Shows what an exercise asks for, and the kernel to start from. Outside a notebook the text is answered.
 *
 * @example lab.showExercise(lab.exercise("shared-tile"))
 */
export function showExercise({ title, task, starter }: Exercise): string | undefined {
  return show({
    html: `<p style="${prose}"><b>${escapeHtml(title)}.</b> ${escapeHtml(task)}</p>${sourceHtml(starter, "")}`,
    text: `${title}. ${task}\n\n${starter}`,
  });
}

/**
 * Shows a grade: the outcome, what to look at next, and every case. Outside a notebook the text is answered.
 *
 * @example lab.showGrade(await lab.grade(dev, lab.exercise("shared-tile"), mySource))
 */
export function showGrade(grade: Grade): string | undefined {
  const table = grade.cases.length > 0 ? tableOf(gradeRows(grade)) : null;
  const colour = grade.passed ? colors.good : colors.roof;
  // A compiler's words have lines of their own.
  const hint = grade.hint.includes("\n")
    ? `<pre style="font-size:12.5px;white-space:pre-wrap;margin:0 0 10px">${escapeHtml(grade.hint)}</pre>`
    : `<p style="${prose}">${escapeHtml(grade.hint)}</p>`;
  return show({
    html:
      `<div class="lab-grade" style="border-left:4px solid ${colour};padding:2px 0 2px 12px;margin:4px 0 1em">` +
      `<p style="${prose}"><b>${escapeHtml(grade.summary)}</b></p>${grade.hint ? hint : ""}${table?.html ?? ""}</div>`,
    text: [grade.summary, grade.hint, table?.text ?? ""].filter(Boolean).join("\n\n"),
  });
}
