import type { StoredRecord } from "../record/schema";
import type { Finding } from "./findings";
import { isScaledCopy } from "./samplePatterns";
import type { Submission } from "./submission";

/** A record of ours with whose it is. */
interface Owned {
  readonly submission: Submission;
  readonly file: string;
  readonly record: StoredRecord;
}

/** Two coarse clocks may agree by chance on few values; not on this many different ones. */
const fewestValues = 5;
/** How many samples a first look compares. */
const looked = 8;

/**
 * Measurements that two students handed in: the same samples, or a multiple of them, whatever the file, the run or the
 * record is called. Who took them from whom no file can tell, and it may be a run that both were given: both are named,
 * and somebody should ask.
 */
export function sharedRecords(submissions: readonly Submission[]): Map<Submission, Finding[]> {
  const seen = new Map<string, Owned[]>();
  const shared = new Map<Submission, Map<string, number>>();
  const note = (owner: Submission, other: Submission, file: string) => {
    const counts = shared.get(owner) ?? new Map<string, number>();
    shared.set(owner, counts);
    const key = JSON.stringify([file, other.student]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  for (const owned of submissions.flatMap(recordsOf)) {
    const look = lookOf(owned.record.samples);
    if (look === null) continue;
    const alike = seen.get(look) ?? [];
    seen.set(look, [...alike, owned]);
    const others = alike.filter(
      ({ submission, record }) =>
        submission !== owned.submission && isScaledCopy(owned.record.samples, record.samples),
    );
    for (const other of others) {
      note(owned.submission, other.submission, owned.file);
      note(other.submission, owned.submission, other.file);
    }
  }
  return new Map([...shared].map(([submission, counts]) => [submission, findingsOf(counts)]));
}

function recordsOf(submission: Submission): Owned[] {
  return submission.files.flatMap(({ name, document }) =>
    (document?.records ?? [])
      .filter(({ implementation }) => implementation.kind === "ours")
      .map((record) => ({ submission, file: name, record })),
  );
}

/** What a series has in common with every multiple of it, for a look-up; null where chance could make two alike. */
function lookOf(samples: readonly number[]): string | null {
  if (new Set(samples).size < fewestValues) return null;
  return [samples.length, ...samples.slice(1, looked).map((s) => (s / samples[0]!).toFixed(4))].join(" ");
}

function findingsOf(counts: ReadonlyMap<string, number>): Finding[] {
  return [...counts].map(([key, count]) => {
    const [file, student] = JSON.parse(key) as [string, string];
    const records = count === 1 ? "1 record has" : `${count} records have`;
    const what = `${records} the samples, or a multiple of them, that ${student} handed in`;
    return { severity: "suspicious", kind: "copied", file, record: null, what };
  });
}
