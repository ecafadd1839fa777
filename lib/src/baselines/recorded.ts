import { basename, dirname } from "node:path";
import { dataPath } from "../core/paths";
import type { MeasureRecord, RunDocument } from "../record/schema";
import { type LoadedRuns, latestRecords, loadRuns, type RecordFilter, recordsOf } from "../record/store";

/** Every recorded baseline run in data/baselines; damaged files are named in `skipped`. */
export function recordedRuns(folder: string = dataPath("baselines")): LoadedRuns {
  return loadRuns(dirname(folder), basename(folder));
}

/**
 * Recorded baselines, the newest of each case and implementation, as the PyTorch program wrote them.
 *
 * @example lab.plot([...records, ...lab.recordedBaselines({ suite: "softmax", device: dev.name })])
 */
export function recordedBaselines(filter: RecordFilter = {}, folder?: string): MeasureRecord[] {
  const runs: RunDocument[] = recordedRuns(folder).runs;
  return latestRecords(recordsOf(runs, filter));
}
