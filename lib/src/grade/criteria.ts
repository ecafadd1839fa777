import { LabError } from "../core/error";
import { type TargetFigure, targetFigures } from "../targets/load";

/** Largest errors of a level, as the document states them: an error must be below. */
export interface ErrorLimits {
  readonly maxAbs: number;
  readonly meanAbs: number;
  readonly maxRel: number;
}

/** What a submission is graded by: the tables of data/targets/expected-results.json. */
export interface Criteria {
  readonly acceptable: ErrorLimits;
  readonly excellent: ErrorLimits;
  /** The least share of the reference attention, of cuBLAS, and the least speed-up over PyTorch naive, as shares. */
  readonly gates: { readonly attention: number; readonly moe: number; readonly endToEnd: number };
  /** Grades from the best down: the share of the reference above which both attention and MoE earn it. */
  readonly boundaries: readonly { readonly grade: string; readonly above: number }[];
}

/**
 * Reads the criteria from the published tables.
 *
 * @throws LabError "bad-targets" when a table has lost a row
 */
export function criteriaOf(figures: readonly TargetFigure[] = targetFigures()): Criteria {
  const of = (table: string) => figures.filter((f) => f.table === `expected-results/${table}`);
  const find = (table: string, row: RegExp, role?: string): number => {
    const found = of(table).find((f) => row.test(f.row) && (role === undefined || f.role === role));
    if (found) return found.lo;
    throw new LabError("bad-targets", `Grading: expected a row ${row.source} in the table ${table}.`, {
      advice: "Restore data/targets/expected-results.json from git.",
    });
  };
  const limits = (role: "acceptable" | "excellent"): ErrorLimits => ({
    maxAbs: find("numerical-criteria", /^Max absolute/, role),
    meanAbs: find("numerical-criteria", /^Mean absolute/, role),
    maxRel: find("numerical-criteria", /^Max relative/, role),
  });
  return {
    acceptable: limits("acceptable"),
    excellent: limits("excellent"),
    gates: {
      attention: find("performance-gates", /^Flash Attention/),
      moe: find("performance-gates", /^MoE/),
      endToEnd: find("performance-gates", /^End-to-End/),
    },
    boundaries: of("grade-boundaries")
      .map((f) => ({ grade: f.row, above: f.lo }))
      .sort((a, b) => b.above - a.above),
  };
}

/** The grade that a share of the reference earns; null below the last boundary. */
export function gradeFor(share: number, { boundaries }: Criteria): string | null {
  return boundaries.find(({ above }) => share > above)?.grade ?? null;
}
