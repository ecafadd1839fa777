import { recordedRuns } from "../baselines/recorded";
import { sameCase } from "../record/cases";
import type { MeasureRecord, RunDocument } from "../record/schema";
import { formatSeconds, formatShare } from "../show/format";
import { caseLabel } from "../show/labels";
import { workOfCase } from "../show/standingTargets";
import { type Criteria, criteriaOf, gradeFor } from "./criteria";
import { type Deduction, deduction, type Handed } from "./deductions";
import { inspectRun } from "./documentChecks";
import type { Finding } from "./findings";
import { gradeErrors, type NumericalPart } from "./numerical";
import { effectiveVerdict } from "./recordChecks";
import { attentionReference, moeReference, naiveReference, type Reference } from "./references";
import { sharedRecords } from "./shared";
import type { Submission } from "./submission";

/** A case that counts for a part: ours against its reference. */
export interface PartCase {
  readonly case: string;
  readonly device: string;
  readonly record: string;
  readonly seconds: number;
  readonly reference: Reference | null;
  /** Share of the reference, or the speed-up over it less one; null without a reference. */
  readonly share: number | null;
}

/** A part of the grade by performance. */
export interface PerformancePart {
  /** The lowest share of its cases; null: not shown. */
  readonly share: number | null;
  readonly minimum: number;
  /** Above the minimum; null: not shown. */
  readonly met: boolean | null;
  readonly cases: readonly PartCase[];
  /** Why there is no share, or what to know of it. */
  readonly note: string;
}

/** What a submission earns. */
export interface SubmissionGrade {
  readonly student: string;
  /** "A" to "D", "below D", or null where it cannot be said: see `why`. */
  readonly grade: string | null;
  readonly why: string;
  readonly numerical: NumericalPart;
  readonly attention: PerformancePart;
  readonly moe: PerformancePart;
  readonly endToEnd: PerformancePart;
  readonly deductions: readonly Deduction[];
  readonly findings: readonly Finding[];
  readonly files: readonly {
    readonly name: string;
    readonly records: number;
    readonly error: string | null;
  }[];
}

/** What a submission is held against. */
export interface GradeOptions {
  /** Runs to take references from; default: those in data/baselines. */
  readonly recorded?: readonly RunDocument[];
  readonly criteria?: Criteria;
  readonly now?: Date;
}

/**
 * Grades what a student handed in by the published criteria: errors, shares of the references, grade boundaries.
 *
 * A file that contradicts itself earns no grade until somebody has looked at it. A part without a record is not shown,
 * which is not the same as failed.
 *
 * @example lab.readSubmissions(["handed-in/"]).map((s) => lab.gradeSubmission(s).grade)
 */
export function gradeSubmission(submission: Submission, options: GradeOptions = {}): SubmissionGrade {
  const criteria = options.criteria ?? criteriaOf();
  const runs = submission.files.flatMap((file) =>
    file.document ? [{ ...file, document: file.document }] : [],
  );
  const findings = [
    ...submission.files.flatMap((file) => file.findings),
    ...runs.flatMap(({ document, name }) => inspectRun(document, name, options.now)),
  ];
  const ours = runs.flatMap(({ document, name }) =>
    document.records
      .filter((stored) => stored.implementation.kind === "ours")
      .map((stored): Handed => ({ record: { ...stored, environment: document.environment }, file: name })),
  );
  const judged = ours.map((handed) => ({ ...handed, verdict: effectiveVerdict(handed.record) }));
  const counted = judged.filter(({ verdict }) => verdict.verdict !== "rejected");
  const sources = {
    recorded: options.recorded ?? recordedRuns().runs,
    own: runs.map(({ document }) => document),
  };
  const deductions: Deduction[] = judged
    .filter(({ verdict }) => verdict.verdict === "rejected")
    .map((handed) => deduction("trust", handed, `does not count: ${handed.verdict.reasons.join("; ")}`));
  const numerical = gradeErrors(counted, criteria);
  deductions.push(...numerical.deductions);
  const part = (
    name: "attention" | "moe" | "endToEnd",
    belongs: (r: MeasureRecord) => boolean,
    find: (r: MeasureRecord) => Reference | null,
  ): PerformancePart => {
    const made = performance(
      name,
      counted.filter(({ record }) => belongs(record)),
      find,
      criteria,
    );
    deductions.push(...made.deductions);
    return made.part;
  };
  const attention = part(
    "attention",
    (r) => r.case.suite === "attention",
    (r) => attentionReference(r, sources),
  );
  const moe = part(
    "moe",
    (r) => r.case.suite === "moe" && r.flops !== null,
    (r) => moeReference(r, sources),
  );
  const endToEnd = part(
    "endToEnd",
    (r) => workOfCase(r.case)?.op === "forward",
    (r) => naiveReference(r, sources),
  );
  return {
    student: submission.student,
    ...(submission.files.length === 0
      ? {
          grade: null,
          why: "nothing was handed in: the folder holds no result file (.json) or bundle (.zip)",
        }
      : letter(attention, moe, findings, criteria)),
    numerical: numerical.part,
    attention,
    moe,
    endToEnd,
    deductions,
    findings,
    files: submission.files.map(({ name, document, error }) => ({
      name,
      records: document?.records.length ?? 0,
      error,
    })),
  };
}

/**
 * Grades a class: each submission by itself, and all of them held against each other for copies.
 *
 * @example lab.gradesCsv(lab.gradeSubmissions(lab.readSubmissions(["handed-in/"])))
 */
export function gradeSubmissions(
  submissions: readonly Submission[],
  options: GradeOptions = {},
): SubmissionGrade[] {
  const shared = sharedRecords(submissions);
  return submissions.map((submission) => {
    const grade = gradeSubmission(submission, options);
    return { ...grade, findings: [...grade.findings, ...(shared.get(submission) ?? [])] };
  });
}

function letter(
  attention: PerformancePart,
  moe: PerformancePart,
  findings: readonly Finding[],
  criteria: Criteria,
): { grade: string | null; why: string } {
  const forged = findings.filter((f) => f.severity === "forged").length;
  if (forged > 0) {
    return {
      grade: null,
      why: `withheld: ${forged} ${forged === 1 ? "finding says" : "findings say"} forged`,
    };
  }
  const parts = [
    { name: "attention", share: attention.share },
    { name: "MoE", share: moe.share },
  ];
  const shown = parts.flatMap(({ share }) => (share === null ? [] : [share]));
  const missing = parts.filter(({ share }) => share === null).map(({ name }) => name);
  if (missing.length > 0) {
    const most =
      shown.length > 0
        ? `; what is shown allows ${gradeFor(Math.min(...shown), criteria) ?? "below D"} at best`
        : "";
    return { grade: null, why: `not shown: ${missing.join(" and ")}${most}` };
  }
  const lowest = Math.min(...shown);
  return {
    grade: gradeFor(lowest, criteria) ?? "below D",
    why: `the lower of attention ${formatShare(attention.share!)} and MoE ${formatShare(moe.share!)} of the reference`,
  };
}

function performance(
  name: "attention" | "moe" | "endToEnd",
  handed: readonly (Handed & { verdict: { verdict: string; reasons: readonly string[] } })[],
  find: (record: MeasureRecord) => Reference | null,
  criteria: Criteria,
): { part: PerformancePart; deductions: Deduction[] } {
  const minimum = criteria.gates[name];
  const published = handed.filter(({ record }) => workOfCase(record.case) !== null);
  // The documents' shapes count; where none was measured, what was measured.
  const chosen = bestOfEachCase(published.length > 0 ? published : handed);
  const cases = chosen.map(({ record }): PartCase => {
    const reference = find(record);
    const ratio = reference && reference.seconds / record.statistics.median;
    return {
      case: caseLabel(record),
      device: record.environment.device.name,
      record: record.id,
      seconds: record.statistics.median,
      reference,
      share: ratio === null ? null : name === "endToEnd" ? ratio - 1 : ratio,
    };
  });
  const shares = cases.flatMap(({ share }) => (share === null ? [] : [share]));
  const share = shares.length > 0 ? Math.min(...shares) : null;
  const best = criteria.boundaries[0]!;
  const deductions = cases.flatMap((c, i) => {
    const own = chosen[i]!;
    const notes: Deduction[] = [];
    const add = (what: string) => notes.push(deduction(name, own, what));
    const against =
      c.reference &&
      `${formatSeconds(c.seconds)} against ${formatSeconds(c.reference.seconds)} of ${c.reference.source}`;
    if (c.share === null) add("no reference for this case and device: it does not count");
    else if (c.share <= minimum)
      add(`${amount(name, c.share)}, not above the minimum ${formatShare(minimum)}: ${against}`);
    else if (name !== "endToEnd" && c.share <= best.above) {
      add(
        `${amount(name, c.share)}, not above the ${formatShare(best.above)} of grade ${best.grade}: ${against}`,
      );
    }
    if (c.reference?.own) add(`its reference comes from the student's own file: ${c.reference.source}`);
    if (own.verdict.verdict === "ambiguous") add(`not trusted: ${own.verdict.reasons.join("; ")}`);
    return notes;
  });
  return {
    part: {
      share,
      minimum,
      met: share === null ? null : share > minimum,
      cases,
      note:
        cases.length === 0
          ? "not shown: no record"
          : share === null
            ? "not shown: no reference to hold it against"
            : published.length === 0
              ? "none of the documents' shapes was measured: the lowest of what was"
              : `the lowest of ${cases.length} ${cases.length === 1 ? "case" : "cases"}`,
    },
    deductions,
  };
}

function amount(name: string, share: number): string {
  if (name === "endToEnd") return `${formatShare(share)} faster than PyTorch naive`;
  return `${formatShare(share)} of ${name === "moe" ? "cuBLAS" : "the reference"}`;
}

/** The fastest trusted record of each case and device, or the fastest ambiguous one where none is trusted. */
function bestOfEachCase<T extends Handed & { verdict: { verdict: string } }>(handed: readonly T[]): T[] {
  const best = new Map<string, T>();
  const rank = (h: T) => (h.verdict.verdict === "trusted" ? 0 : 1);
  for (const candidate of handed) {
    const key = `${candidate.record.environment.device.name} ${sameCase(candidate.record)}`;
    const held = best.get(key);
    const order = held
      ? rank(candidate) - rank(held) || candidate.record.statistics.median - held.record.statistics.median
      : -1;
    if (order < 0) best.set(key, candidate);
  }
  return [...best.values()];
}
