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

/** Holds a document, as it was read from its file, against the digest stored in it; `source` is the file's text. */
export function sealState(document: object, source?: string): SealState {
  const { digest } = document as { digest?: unknown };
  if (digest === undefined || digest === null) return "unsealed";
  // The text without its blanks is what the lab's own writer took the digest of; other writers print numbers otherwise.
  if (source !== undefined && digest === digestOfText(source)) return "intact";
  return digest === digestOf(document) ? "intact" : "edited";
}

/** The end of a sealed document without blanks: the digest is the writer's last field. */
const sealed = /,"digest":"sha256:[0-9a-f]{64}"}$/;
const sealLength = ',"digest":"sha256:"}'.length + 64;

const [quote, backslash, space] = ['"', "\\", " "].map((c) => c.charCodeAt(0)) as [number, number, number];

/** The digest of a sealed document's text, found without writing the document out again; null where it has no seal. */
function digestOfText(source: string): string | null {
  const bytes = Buffer.from(source, "utf8");
  let length = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte <= space && !inString) continue;
    bytes[length++] = byte;
    if (byte === quote) inString = !inString;
    else if (byte === backslash && i + 1 < bytes.length) bytes[length++] = bytes[++i]!;
  }
  const end = Math.max(0, length - sealLength);
  if (!sealed.test(bytes.toString("latin1", end, length))) return null;
  const content = createHash("sha256").update(bytes.subarray(0, end)).update("}");
  return `sha256:${content.digest("hex")}`;
}
