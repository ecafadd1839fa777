import type { RunDocument } from "../record/schema";

/** A launch as the lab's own figures measured it on a GPU, the newest; null where none is recorded. */
export function recordedLaunch(runs: readonly RunDocument[]): { seconds: number; source: string } | null {
  const newestFirst = [...runs].sort((a, b) => b.environment.date.localeCompare(a.environment.date));
  for (const run of newestFirst) {
    for (const note of run.notes) {
      const figure = parse(note);
      if (figure?.name === "CUDA launch pipelined from TypeScript" && figure.unit === "us") {
        return {
          seconds: figure.value * 1e-6,
          source: `${figure.name}, ${run.environment.date.slice(0, 10)}`,
        };
      }
    }
  }
  return null;
}

/** A note of a figures run: the figure as JSON; other notes are prose. */
function parse(note: string): { name: string; value: number; unit: string } | null {
  if (!note.startsWith("{")) return null;
  try {
    const figure = JSON.parse(note) as Record<string, unknown>;
    const { name, value, unit } = figure;
    return typeof name === "string" && typeof value === "number" && typeof unit === "string"
      ? { name, value, unit }
      : null;
  } catch {
    return null;
  }
}
