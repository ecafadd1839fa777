import { LabError } from "../core/error";
import { schemaVersion } from "./schema";

type Json = Readonly<Record<string, unknown>>;

/**
 * How a document of each older version becomes one of the next: pure, and deaf to what is missing, because the result is
 * held against the schema afterwards. A version stays here for good; `test/record/v<N>/` keeps a file of it.
 */
const steps: Readonly<Record<number, (document: Json) => Json>> = {
  // Version 2 adds what version 1 does not have and nobody can make up: inputs, outputs, counters, a digest.
  1: (document) => document,
};

/**
 * A document of any version this lab knows as one of the present version; its file stays as it is.
 *
 * @throws LabError "unknown-record-version" when there is no way from its version
 */
export function migrate(document: Json): Json {
  let current = document;
  while (current.schemaVersion !== schemaVersion) {
    const from = Number(current.schemaVersion);
    const step = steps[from];
    if (!step) {
      throw new LabError(
        "unknown-record-version",
        `Reading a run: expected schema version 1 to ${schemaVersion}, found ${String(current.schemaVersion)}.`,
        { advice: "The file was edited or damaged: restore it from git or delete it." },
      );
    }
    current = { ...step(current), schemaVersion: from + 1 };
  }
  return current;
}
