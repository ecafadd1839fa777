import { barPlot } from "../bars";
import type { Figure } from "../figure";
import { heatmap } from "../heatmap";
import { caseLabel } from "../labels";
import { linePlot } from "../lines";
import { rooflinePlot } from "../roofline";
import type { SuiteSection } from "./model";
import { samplesPlot, sensorsPlot } from "./timeline";
import { computeRoof, memoryRoof } from "./utilization";

/** The pictures of a suite: bars, lines where a size varies, heatmaps where two parameters were swept. */
export function figuresOf(section: SuiteSection): Figure[] {
  const { best, records, failures } = section;
  const where = `${section.suite} on ${section.environment.device.name}`;
  const figures: Figure[] = chunkByCase(best).map((group, i, all) =>
    barPlot(group, { title: all.length > 1 ? `${where} (${i + 1} of ${all.length})` : where }),
  );
  const size = varyingSize(records);
  if (size) figures.push(linePlot(best, { x: size, title: `${where}, over ${size}` }));
  const swept = sweptPair(records);
  if (swept) {
    const [x, y] = swept;
    figures.push(
      heatmap(
        records.filter((r) => x in r.implementation.parameters),
        { x, y, failures, title: `${where}: sweep of ${y} and ${x}` },
      ),
    );
  }
  return figures;
}

/** Bars that still fit on one sheet of paper. */
const mostBars = 28;

/** Groups of whole cases whose bars fit on one picture; a picture gives every case as many rows as the fullest has. */
function chunkByCase<T extends SuiteSection["best"][number]>(records: readonly T[]): T[][] {
  const chunks: T[][] = [];
  let fullest = 0;
  let cases = 0;
  for (const name of new Set(records.map(caseLabel))) {
    const own = records.filter((r) => caseLabel(r) === name);
    fullest = Math.max(fullest, own.length);
    const chunk = chunks.at(-1);
    if (chunk && (cases + 1) * fullest <= mostBars) {
      chunk.push(...own);
      cases++;
    } else {
      chunks.push([...own]);
      [fullest, cases] = [own.length, 1];
    }
  }
  return chunks;
}

function varyingSize(records: SuiteSection["records"]): string | null {
  const keys = new Set(records.flatMap((r) => Object.keys(r.case.params)));
  const varying = [...keys].filter((k) => new Set(records.map((r) => r.case.params[k])).size >= 3);
  const numeric = varying.filter((k) => records.every((r) => typeof r.case.params[k] === "number"));
  return numeric.length === 1 && varying.length === 1 ? numeric[0]! : null;
}

function sweptPair(records: SuiteSection["records"]): [string, string] | null {
  const ours = records.filter((r) => r.implementation.kind === "ours");
  const values = new Map<string, Set<unknown>>();
  for (const r of ours) {
    for (const [k, v] of Object.entries(r.implementation.parameters))
      values.set(k, (values.get(k) ?? new Set()).add(v));
  }
  const swept = [...values].filter(([, v]) => v.size >= 3).map(([k]) => k);
  return swept.length >= 2 ? [swept[1]!, swept[0]!] : null;
}

/** The roofline of a suite, one a pair of roofs: element types have peaks of their own. Empty where no peak is known. */
export function rooflinesOf({ best, suite, environment }: SuiteSection): Figure[] {
  // The same unit is named by whoever measured: its rate is what tells roofs apart.
  const groups = new Map<
    string,
    { records: SuiteSection["best"]; bandwidth: number; peak: number; source: string }
  >();
  for (const record of best) {
    const [memory, compute] = [memoryRoof(record), computeRoof(record)];
    if (!memory || !compute || !record.flops || !record.bytes) continue;
    const key = compute.rate.toPrecision(3);
    const held = groups.get(key);
    if (held) held.records.push(record);
    else
      groups.set(key, {
        records: [record],
        bandwidth: memory.rate,
        peak: compute.rate,
        source: compute.source,
      });
  }
  return [...groups.values()].map(({ records, bandwidth, peak, source }) =>
    rooflinePlot(records, {
      bandwidth,
      peak,
      title: `Roofline: ${suite} on ${environment.device.name}, ${source}`,
    }),
  );
}

/** Launches one by one, and the device's sensors meanwhile. */
export function timelineOf({ shown }: SuiteSection): Figure[] {
  if (!shown) return [];
  const sensors = sensorsPlot(shown);
  return [samplesPlot(shown), ...(sensors ? [sensors] : [])];
}
