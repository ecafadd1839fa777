import { explore } from "../lens/explore";
import { lens } from "../lens/lens";
import type { LensReport } from "../lens/report";
import type { CaseResult, Launch } from "../ops/variant";

/** Orders of threads in which an attempt must do without a race. */
const SCHEDULES = 20;

/** Seconds a traced launch of an attempt may take: far above what one takes. */
const TIME_LIMIT = 60;

/** One thing the lens must find of a launch: "" when it does, else what it found instead. */
export interface LensRule {
  readonly name: string;
  finding(report: LensReport): string;
}

/** Shared memory is read and written without a bank conflict. */
export const noBankConflicts: LensRule = {
  name: "no bank conflicts",
  finding({ summary, lines }) {
    if (summary.bankConflicts === 0) return "";
    const worst = lines
      .flatMap(({ line, requests }) => requests.map((request) => ({ line, ...request })))
      .filter(({ space }) => space === "shared")
      .sort((a, b) => b.cost - b.ideal - (a.cost - a.ideal))[0];
    const where = worst ? `; line ${worst.line} takes up to ${worst.mostCost} passes a request` : "";
    return `${summary.bankConflicts} conflicts${where}`;
  },
};

/** Every sector of global memory that moves is needed. */
export const coalesced: LensRule = {
  name: "every sector is used",
  finding({ lines }) {
    const wasteful = lines
      .flatMap(({ line, requests }) => requests.map((request) => ({ line, ...request })))
      .filter(({ space, cost, ideal }) => space === "global" && cost > ideal)
      .sort((a, b) => b.cost / b.ideal - a.cost / a.ideal)[0];
    if (!wasteful) return "";
    const { line, kind, cost, ideal } = wasteful;
    return `line ${line} (${kind}) moves ${cost} sectors where ${ideal} would do`;
  },
};

/** Looks at a launch with the lens: a case for every rule, and one for races under many orders of the threads. */
export async function lensCases(
  { kernel, config, args }: Launch,
  rules: readonly LensRule[],
): Promise<CaseResult[]> {
  const report = await lens(kernel, { ...config, lens: { timeLimit: TIME_LIMIT } }, ...args);
  const results = rules.map((rule) => outcome(rule.name, rule.finding(report)));
  return [
    ...results,
    outcome(`no race in ${SCHEDULES} orders of the threads`, await trouble({ kernel, config, args })),
  ];
}

/** The first thing that goes wrong in any of the orders, in words; "" when nothing does. */
async function trouble({ kernel, config, args }: Launch): Promise<string> {
  const found = await explore(kernel, config, args, { schedules: SCHEDULES, timeLimit: TIME_LIMIT });
  const seed = found.firstFailure === null ? "" : ` (seed ${found.firstFailure})`;
  const worst = found.hazards.find((hazard) => hazard.level === "error");
  if (worst) return `${worst.message}${seed}`;
  const other = found.differences[0];
  if (other) return `${other.name}[${other.index}] is ${other.expected}, or ${other.actual}${seed}`;
  return found.clean ? "" : `it does not come to its end${seed}`;
}

function outcome(name: string, detail: string): CaseResult {
  return { case: name, status: detail === "" ? "passed" : "failed", detail, check: null };
}
