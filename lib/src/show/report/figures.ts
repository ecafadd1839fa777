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
  const { best, records } = section;
  const where = `${section.suite} on ${section.environment.device.name}`;
  const figures: Figure[] = chunkByCase(best).map((group, i, all) => {
    const [only, ...others] = new Set(group.map(caseLabel));
    const part = all.length > 1 ? ` (${i + 1} of ${all.length})` : "";
    return barPlot(group, { title: others.length === 0 ? `${where}, ${only}` : `${where}${part}` });
  });
  const size = varyingSize(records);
  if (size) figures.push(linePlot(best, { x: size, title: `${where}, over ${size}` }));
  figures.push(...heatmapsOf(section));
  return figures;
}

/** A heatmap for every sweep over two parameters or more, spanned by the two with the most values. */
function heatmapsOf({ attempts, failures, environment }: SuiteSection): Figure[] {
  return attempts.flatMap(({ implementation, case: name, attempts: settings }) => {
    const records = settings.map((setting) => setting.record);
    const values = new Map<string, Set<unknown>>();
    for (const [key, value] of records.flatMap((r) => Object.entries(r.implementation.parameters))) {
      values.set(key, (values.get(key) ?? new Set()).add(value));
    }
    const [first, second] = [...values].filter(([, v]) => v.size > 1).sort(([, a], [, b]) => b.size - a.size);
    if (!first || !second || first[1].size < 3) return [];
    const own = failures.filter((f) => f.implementation.name === implementation && caseLabel(f) === name);
    const title = `${implementation}, ${name} on ${environment.device.name}: sweep of ${first[0]} and ${second[0]}`;
    return [heatmap(records, { x: second[0], y: first[0], failures: own, title })];
  });
}

/** Bars that still fit on one sheet of paper. */
const mostBars = 28;

/** Groups of cases that the same implementations ran, so that no case has empty rows, and that fit on one picture. */
function chunkByCase<T extends SuiteSection["best"][number]>(records: readonly T[]): T[][] {
  const chunks: { names: string; records: T[] }[] = [];
  for (const name of new Set(records.map(caseLabel))) {
    const own = records.filter((r) => caseLabel(r) === name);
    const names = JSON.stringify(own.map((r) => r.implementation.name).sort());
    const chunk = chunks.find((c) => c.names === names && c.records.length + own.length <= mostBars);
    if (chunk) chunk.records.push(...own);
    else chunks.push({ names, records: [...own] });
  }
  return chunks.map((chunk) => chunk.records);
}

function varyingSize(records: SuiteSection["records"]): string | null {
  const keys = new Set(records.flatMap((r) => Object.keys(r.case.params)));
  const varying = [...keys].filter((k) => new Set(records.map((r) => r.case.params[k])).size >= 3);
  const numeric = varying.filter((k) => records.every((r) => typeof r.case.params[k] === "number"));
  return numeric.length === 1 && varying.length === 1 ? numeric[0]! : null;
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
