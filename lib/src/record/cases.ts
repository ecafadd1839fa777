import type { Case } from "./schema";

/**
 * What tells two cases apart by what is computed: suite, element type and parameters, and the name only where there are
 * no parameters. Programs may name the same case differently, leave out a switch that is off, or repeat the element type.
 */
export function sameCase({ case: { suite, name, dtype, params } }: { readonly case: Case }): string {
  const told = Object.entries(params).filter(([key, value]) => key !== "dtype" && value !== false);
  const sorted = told.sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([suite, dtype, sorted, sorted.length > 0 ? "" : name]);
}
