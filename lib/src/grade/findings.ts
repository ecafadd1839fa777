/** What about a file contradicts itself or the world. */
export interface Finding {
  /**
   * "forged": no program of the lab writes this, the file was made or changed by hand; "suspicious": an honest run may
   * look like it, a person should.
   */
  readonly severity: "forged" | "suspicious";
  readonly kind:
    | "seal"
    | "statistics"
    | "rates"
    | "work"
    | "physics"
    | "source"
    | "samples"
    | "copied"
    | "time"
    | "environment"
    | "verdict"
    | "check";
  readonly file: string;
  /** Id of the record, null where it is about the whole file. */
  readonly record: string | null;
  readonly what: string;
}

/** A finding before it is known where it belongs. */
export type Remark = Omit<Finding, "file" | "record">;

/** Whether two figures agree to a share of the larger. */
export function agree(a: number, b: number, share: number): boolean {
  return Math.abs(a - b) <= share * Math.max(Math.abs(a), Math.abs(b)) || Math.abs(a - b) < 1e-15;
}
