import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDocument } from "../record/document";
import type { MeasureRecord } from "../record/schema";
import { loadRuns, recordsOf, runText } from "../record/store";
import { type Figure, figureOf } from "./figure";

const files = 500;
const recordsAFile = 20;

/** How long it takes to load and filter 10,000 records that no load has checked before; `record` is what they all hold. */
export function storeFigure(record: MeasureRecord): Figure {
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
    const whole = skipped.length === 0 && found.length === files * recordsAFile;
    return figureOf(
      "Store: 10,000 records loaded and filtered",
      whole ? seconds : null,
      "s",
      "at most",
      1,
      whole ? `${files} files, each checked against schema and digest` : `${found.length} came back`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
