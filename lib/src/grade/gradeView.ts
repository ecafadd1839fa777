import { formatShare } from "../show/format";
import type { PerformancePart, SubmissionGrade } from "./grade";

/** A submission's grade for reading: the grade, its parts, every deduction and finding with its record. */
export function gradeText(grade: SubmissionGrade): string {
  const { numerical } = grade;
  const counts = Object.entries(numerical.counts)
    .filter(([, count]) => count > 0)
    .map(([level, count]) => `${count} ${level}`)
    .join(", ");
  const lines = [
    `${grade.student}: ${grade.grade ?? "no grade"} (${grade.why})`,
    `  numerical    ${numerical.level ?? "not shown"}${counts ? `: ${counts}` : ": no record was checked"}`,
    partLine("attention", "of the reference", grade.attention),
    partLine("MoE", "of cuBLAS", grade.moe),
    partLine("end to end", "faster than PyTorch naive", grade.endToEnd),
    ...grade.files.filter((f) => f.error !== null).map((f) => `  unreadable   ${f.name}: ${f.error}`),
  ];
  if (grade.findings.length > 0) {
    lines.push("  Findings:");
    lines.push(...grade.findings.map((f) => `    ${f.severity.padEnd(10)} ${place(f)}: ${f.what}`));
  }
  if (grade.deductions.length > 0) {
    lines.push("  Deductions:");
    lines.push(...grade.deductions.map((d) => `    ${d.part.padEnd(10)} ${d.case} (${place(d)}): ${d.what}`));
  }
  return lines.join("\n");
}

/**
 * Grades as CSV (RFC 4180), a row a student.
 *
 * @example writeFileSync("grades.csv", lab.gradesCsv(grades))
 */
export function gradesCsv(grades: readonly SubmissionGrade[]): string {
  const header = [
    "student",
    "grade",
    "why",
    "numerical",
    "attention share",
    "moe share",
    "end-to-end speed-up",
    "deductions",
    "forged",
    "suspicious",
    "unreadable files",
    "found",
  ];
  const rows = grades.map((g) => [
    g.student,
    g.grade ?? "",
    g.why,
    g.numerical.level ?? "not shown",
    cell(g.attention),
    cell(g.moe),
    cell(g.endToEnd),
    g.deductions.length,
    g.findings.filter((f) => f.severity === "forged").length,
    g.findings.filter((f) => f.severity === "suspicious").length,
    g.files.filter((f) => f.error !== null).length,
    kindsOf(g),
  ]);
  return `${[header, ...rows].map((row) => row.map(quoted).join(",")).join("\r\n")}\r\n`;
}

/** The kinds of what was found, each once: "forged: seal, statistics; suspicious: copied". */
function kindsOf({ findings }: SubmissionGrade): string {
  return (["forged", "suspicious"] as const)
    .map(
      (severity) =>
        [severity, new Set(findings.filter((f) => f.severity === severity).map((f) => f.kind))] as const,
    )
    .filter(([, kinds]) => kinds.size > 0)
    .map(([severity, kinds]) => `${severity}: ${[...kinds].sort().join(", ")}`)
    .join("; ");
}

function partLine(name: string, of: string, part: PerformancePart): string {
  const label = `  ${name.padEnd(12)} `;
  if (part.share === null) return label + part.note;
  const gate = `${part.met ? "above" : "NOT above"} the minimum ${formatShare(part.minimum)}`;
  return `${label}${formatShare(part.share)} ${of}, ${gate}; ${part.note}`;
}

function place({ file, record }: { readonly file: string; readonly record: string | null }): string {
  return record === null ? file : `${file}, record ${record}`;
}

function cell({ share }: PerformancePart): string {
  return share === null ? "not shown" : share.toFixed(4);
}

/** A name such as "=cmd()" would run in a spreadsheet: it is made text. */
function quoted(value: string | number): string {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}
