import { sameCase } from "../record/cases";
import { digits } from "../show/format";
import type { Criteria, ErrorLimits } from "./criteria";
import { type Deduction, deduction, type Handed } from "./deductions";

/** How right the outputs are, by the published criteria. */
export interface NumericalPart {
  /** The worst level of any kernel at any case; null: no record was checked. */
  readonly level: "excellent" | "acceptable" | "not acceptable" | null;
  /** Kernels at cases, by level; "unchecked" ones had no check. */
  readonly counts: Readonly<Record<"excellent" | "acceptable" | "not acceptable" | "unchecked", number>>;
}

type Level = keyof NumericalPart["counts"];

const order: readonly Level[] = ["excellent", "acceptable", "not acceptable", "unchecked"];
const names = {
  maxAbs: "max absolute error",
  meanAbs: "mean absolute error",
  maxRel: "max relative error",
} as const;

/**
 * Holds the errors of every kernel at every case against the criteria; of several settings of a kernel the worst counts.
 *
 * An error the check did not record counts neither way. The relative error counts where the largest absolute one is
 * beyond its limit too: next to zero any rounding is a large relative error, so that no 16-bit softmax could meet it,
 * and an element within the absolute limit is as right as the criteria ask.
 */
export function gradeErrors(
  handed: readonly Handed[],
  criteria: Criteria,
): { part: NumericalPart; deductions: Deduction[] } {
  const worst = new Map<string, { handed: Handed; level: Level }>();
  for (const one of handed) {
    const key = `${one.record.implementation.id} ${sameCase(one.record)}`;
    const level = levelOf(one, criteria);
    const held = worst.get(key);
    if (!held || order.indexOf(level) > order.indexOf(held.level)) worst.set(key, { handed: one, level });
  }
  const levels = [...worst.values()];
  const count = (level: Level) => levels.filter((l) => l.level === level).length;
  const counts = {
    excellent: count("excellent"),
    acceptable: count("acceptable"),
    "not acceptable": count("not acceptable"),
    unchecked: count("unchecked"),
  };
  const checked = (["not acceptable", "acceptable", "excellent"] as const).find((level) => counts[level] > 0);
  return {
    part: { level: checked ?? null, counts },
    deductions: levels.flatMap(({ handed: one, level }) => explain(one, level, criteria)),
  };
}

function levelOf({ record: { check } }: Handed, { acceptable, excellent }: Criteria): Level {
  if (!check) return "unchecked";
  if (beyond(check, acceptable).length > 0) return "not acceptable";
  return beyond(check, excellent).length > 0 ? "acceptable" : "excellent";
}

function explain(handed: Handed, level: Level, { acceptable, excellent }: Criteria): Deduction[] {
  const { check } = handed.record;
  if (level === "excellent") return [];
  if (!check) return [deduction("numerical", handed, "its output was not checked")];
  const [limits, word] = level === "acceptable" ? [excellent, "excellent"] : [acceptable, "acceptable"];
  const errors = beyond(check, limits).map(
    (name) => `${names[name]} ${digits(check[name]!)} is not below ${limits[name]}`,
  );
  return [deduction("numerical", handed, `not ${word}: ${errors.join(", ")}`)];
}

function beyond(
  check: NonNullable<Handed["record"]["check"]>,
  limits: ErrorLimits,
): ("maxAbs" | "meanAbs" | "maxRel")[] {
  const over = (["maxAbs", "meanAbs", "maxRel"] as const).filter((name) => {
    const error = check[name];
    return error !== null && !(error < limits[name]);
  });
  return over.includes("maxAbs") || check.maxAbs === null ? over : over.filter((name) => name !== "maxRel");
}
