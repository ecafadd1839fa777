import type { AttentionCase } from "./attentionCase";
import { decodeRung } from "./attentionDecode";
import { hopperRungs } from "./attentionHopper";
import { mmaRungs } from "./attentionMma";
import { plainRungs } from "./attentionRungs";
import { findVariant, type Variant } from "./variant";

/** The ladder, in order. */
export const variants: ReadonlyArray<Variant<AttentionCase>> = [
  ...plainRungs,
  ...mmaRungs,
  ...hopperRungs,
  decodeRung,
].sort((a, b) => a.rung - b.rung);

/** Finds a rung: lab.attention.variant("12_refined"), or by number. */
export function variant(wanted: string | number): Variant<AttentionCase> {
  return findVariant(variants, wanted);
}

export * from "./attentionCase";
