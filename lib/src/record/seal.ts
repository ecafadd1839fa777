import { createHash } from "node:crypto";

/** Whether a document is as its writer left it; "unsealed" ones come from writers that store no digest. */
export type SealState = "intact" | "edited" | "unsealed";

/**
 * The digest a writer stores in a document: SHA-256 of its content as JSON without blanks, the digest left out.
 *
 * It tells an edited file from an untouched one, however it is indented. It is no signature: whoever edits a file on
 * purpose can compute it again.
 *
 * @example lab.digestOf(document) // "sha256:9f86d0..."
 */
export function digestOf(document: object): string {
  const { digest: _, ...content } = document as { digest?: unknown };
  return `sha256:${createHash("sha256").update(JSON.stringify(content)).digest("hex")}`;
}

/** Holds a document, as it was read from its file, against the digest stored in it. */
export function sealState(document: object): SealState {
  const { digest } = document as { digest?: unknown };
  if (digest === undefined || digest === null) return "unsealed";
  return digest === digestOf(document) ? "intact" : "edited";
}
