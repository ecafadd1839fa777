import { LabError } from "../core/error";
import type { Failure } from "../record/schema";

/** A case that could not be measured, as a record keeps it; errors that are not the lab's go on. */
export function copyFailure(
  error: unknown,
  suite: string,
  c: { name: string; params: Readonly<Record<string, number | string | boolean>>; dtype: string },
  id: string,
): Failure {
  if (!LabError.is(error)) throw error;
  return {
    case: { suite, name: c.name, params: { ...c.params }, dtype: c.dtype },
    implementation: { id, name: id, kind: "ours", parameters: {}, sourceHash: null },
    kind: error.code === "not-supported" ? "skipped" : "failed",
    reason: `${error.code}: ${error.what}`,
  };
}
