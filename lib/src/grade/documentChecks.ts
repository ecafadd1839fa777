import type { RunDocument, StoredRecord } from "../record/schema";
import { gpuFacts } from "../targets/gpus";
import type { Finding, Remark } from "./findings";
import {
  checkCheck,
  checkPhysics,
  checkRates,
  checkSource,
  checkStatistics,
  checkVerdict,
  checkWork,
} from "./recordChecks";
import { isScaledCopy, samplePatterns } from "./samplePatterns";

const day = 86_400_000;

/**
 * Everything about a run that contradicts itself, the chip it names, or the programs that are said to have written it.
 *
 * It finds what does not fit together. Whoever makes up a whole run that does is not found here: measure again.
 *
 * @param now the time to hold its dates against
 * @example lab.inspectRun(lab.readRun(path), path).filter((f) => f.severity === "forged")
 */
export function inspectRun(document: RunDocument, file: string, now: Date = new Date()): Finding[] {
  const whole = [...checkDate(document, now), ...checkDevice(document)];
  return [
    ...whole.map((remark) => ({ ...remark, file, record: null })),
    ...document.records.flatMap((stored) => {
      const record = { ...stored, environment: document.environment };
      const remarks = [
        ...checkStatistics(stored),
        ...checkRates(stored),
        ...checkWork(stored),
        ...checkPhysics(record),
        ...checkSource(stored),
        ...checkCheck(stored),
        ...(stored.implementation.kind === "ours" ? checkVerdict(record) : []),
        ...samplePatterns(stored.samples, stored.method, document.environment.device.kind),
        ...checkTimes(stored, document),
        ...checkSensors(stored, document),
      ];
      return remarks.map((remark) => ({ ...remark, file, record: stored.id }));
    }),
    ...copies(document.records, file),
  ];
}

function checkDate({ environment }: RunDocument, now: Date): Remark[] {
  const date = Date.parse(environment.date);
  return date > now.getTime() + day
    ? [{ severity: "forged", kind: "time", what: `measured on ${environment.date}, which has not come yet` }]
    : [];
}

function checkDevice({ environment }: RunDocument): Remark[] {
  const { device } = environment;
  const facts = gpuFacts(device.name);
  if (!facts) return [];
  const remarks: Remark[] = [];
  const wrong = (what: string) => remarks.push({ severity: "forged", kind: "environment", what });
  if (device.kind === "cpu") wrong(`the CPU device is called ${device.name}`);
  if (device.capability?.some((part, i) => part !== facts.capability[i])) {
    wrong(
      `a ${facts.name} of compute capability ${device.capability.join(".")}, not ${facts.capability.join(".")}`,
    );
  }
  const size = device.memoryBytes;
  if (size !== null && (size < 0.85 * facts.memory || size > 1.1 * facts.memory)) {
    wrong(
      `a ${facts.name} with ${(size / 1e9).toFixed(0)} GB of memory, not ${(facts.memory / 1e9).toFixed(0)}`,
    );
  }
  return remarks;
}

/** When a record says it was made, and how long its samples took against how long its sensors were read. */
function checkTimes({ id, samples, method, state }: StoredRecord, document: RunDocument): Remark[] {
  const remarks: Remark[] = [];
  const born = birthOf(id, document.writer);
  const date = Date.parse(document.environment.date);
  if (born !== null && Math.abs(born - date) > day) {
    remarks.push({
      severity: "forged",
      kind: "time",
      what: `its id was given on ${new Date(born).toISOString()}, the file says ${document.environment.date}`,
    });
  }
  if (state.some((reading, i) => i > 0 && reading.at < state[i - 1]!.at)) {
    remarks.push({ severity: "forged", kind: "time", what: "the readings of its sensors go back in time" });
  }
  const watched = state[state.length - 1]?.at;
  const took = samples.reduce((sum, s) => sum + s, 0) * method.batch;
  if (watched !== undefined && took > 1.2 * watched + 0.1) {
    remarks.push({
      severity: "forged",
      kind: "time",
      what: `its samples took ${took.toFixed(2)} s, its sensors were read over ${watched.toFixed(2)} s`,
    });
  }
  return remarks;
}

function checkSensors({ state }: StoredRecord, { environment }: RunDocument): Remark[] {
  const facts = gpuFacts(environment.device.name);
  if (!facts) return [];
  const fastest = Math.max(0, ...state.map((s) => s.smClockHz ?? 0));
  const hottest = state.find(
    (s) => s.powerW !== null && s.powerLimitW !== null && s.powerW > 1.5 * s.powerLimitW,
  );
  return [
    ...(fastest > 1.02 * facts.clock.max
      ? [`its clock read ${(fastest / 1e9).toFixed(2)} GHz, above the ${facts.name}'s highest`]
      : []),
    ...(hottest ? [`it drew ${hottest.powerW} W against a limit of ${hottest.powerLimitW} W`] : []),
  ].map((what) => ({ severity: "suspicious", kind: "environment", what }));
}

/** Samples that are another record's, as they are or scaled. */
function copies(records: readonly StoredRecord[], file: string): Finding[] {
  return records.flatMap((record, i) => {
    const original = records.slice(0, i).find((other) => isScaledCopy(record.samples, other.samples));
    if (!original) return [];
    const same = record.samples[0] === original.samples[0];
    const what = `its samples are ${same ? "those" : "a multiple of those"} of ${original.id} (${original.implementation.id})`;
    return [{ severity: "forged" as const, kind: "copied" as const, file, record: record.id, what }];
  });
}

/** The time in a record's id, milliseconds; null where it holds none. Ours count in base 36, the Python program in 16. */
function birthOf(id: string, writer: string): number | null {
  const [time, rest] = id.split("-");
  if (!time || !rest || !/^[0-9a-f]{10}$/.test(rest)) return null;
  const born = Number.parseInt(time, writer === "torch_baselines" ? 16 : 36);
  return Number.isFinite(born) ? born : null;
}
