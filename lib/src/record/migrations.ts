import { schemaVersion } from "./schema";

type Document = Record<string, unknown>;

/**
 * How a document of each version becomes one of the next. A step may assume a whole document of its version; what it
 * makes is parsed by the schema afterwards.
 */
const steps: Readonly<Record<number, (document: Document) => Document>> = {
  // Version 2 adds fields that older runs do not have: inputs, outputs, rates a cycle, how the caches were emptied.
  1: (document) => document,
};

/** A document brought up to the present version, step by step; one that has no version is left as it is. */
export function migrate(document: object): object {
  let current = document as Document;
  while (typeof current.schemaVersion === "number" && current.schemaVersion < schemaVersion) {
    const step = steps[current.schemaVersion];
    if (!step) return current;
    current = { ...step(current), schemaVersion: current.schemaVersion + 1 };
  }
  return current;
}
