import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDocument } from "../record/document";
import type { MeasureRecord } from "../record/schema";
import { loadRuns, recordsOf, runText } from "../record/store";
import { type Figure, figureOf } from "./figure";

const files = 500;
const recordsAFile = 20;
const rounds = 3;

/**
 * How long it takes to load and filter 10,000 records that no load has checked before; `record` is what they all hold.
 * The best of some rounds, each of new files: a host shared with others takes up to twice as long in one of them.
 */
export function storeFigure(record: MeasureRecord): Figure {
  const times = Array.from({ length: rounds }, () => loadOnce(record));
  const whole = times.every((time) => time.found === files * recordsAFile);
  return figureOf(
    "Store: 10,000 records loaded and filtered",
    whole ? Math.min(...times.map((time) => time.seconds)) : null,
    "s",
    "at most",
    1,
    whole
      ? `${files} new files, each checked against schema and digest; best of ${rounds} rounds`
      : `${times.map((time) => time.found).join(", ")} came back`,
  );
}

function loadOnce(record: MeasureRecord): { seconds: number; found: number } {
  const folder = mkdtempSync(join(tmpdir(), "kernel-lab-store-"));
  try {
    const { suite } = record.case;
    mkdirSync(join(folder, suite));
    for (let file = 0; file < files; file++) {
      const records = Array.from({ length: recordsAFile }, (_, i) => ({ ...record, id: `${file}-${i}` }));
      writeFileSync(join(folder, suite, `${file}.json`), runText(runDocument(suite, records)));
    }
    const began = performance.now();
    const { runs, skipped } = loadRuns(folder);
    const found = recordsOf(runs, { suite, device: record.environment.device.name, kind: "ours" });
    const seconds = (performance.now() - began) / 1000;
    return { seconds, found: skipped.length === 0 ? found.length : 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
