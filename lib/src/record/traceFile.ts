import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { z } from "zod";
import { LabError } from "../core/error";
import { writeNewFile } from "./atomicFile";

/** Ending of a trace's file; it lies beside the run it belongs to and begins with that run's name. */
export const traceEnding = ".trace.json.gz";

const kind = "kernel-lab-trace";
/** More than this unpacked is no trace but an attack on memory. */
const mostBytes = 1e9;

const exemplar = z.looseObject({ memory: z.string(), offsets: z.array(z.number().nullable()) });
const request = z.looseObject({
  kind: z.string(),
  space: z.string(),
  width: z.number(),
  requests: z.number(),
  cost: z.number(),
  ideal: z.number(),
  exemplar,
});

// Of what `lab.lens` and `lab.step` answer, what pictures are drawn from; the rest is kept as it is.
const about = { kernel: z.string(), fileName: z.string(), source: z.string() };
const lensSchema = z.looseObject({
  ...about,
  sampled: z.boolean(),
  lines: z.array(z.looseObject({ line: z.number(), text: z.string(), requests: z.array(request) })),
});
const step = z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()]).rest(z.unknown());
const stepsSchema = z.looseObject({
  ...about,
  grid: z.array(z.number()),
  block: z.array(z.number()),
  blocks: z.array(
    z.looseObject({ ticks: z.number(), barriers: z.array(z.number()), warps: z.array(z.array(step)) }),
  ),
});

const fileSchema = z.discriminatedUnion("of", [
  z.object({
    kind: z.literal(kind),
    version: z.literal(1),
    title: z.string(),
    of: z.literal("lens"),
    trace: lensSchema,
  }),
  z.object({
    kind: z.literal(kind),
    version: z.literal(1),
    title: z.string(),
    of: z.literal("steps"),
    trace: stepsSchema,
  }),
]);

/** A trace as its file keeps it: what `lab.lens` saw of a launch, or the steps of `lab.step`. */
export type StoredTrace = z.infer<typeof fileSchema>;

/**
 * Keeps what the lens saw, or a recorded block, beside a run's file, so that the report shows it and a bundle carries it.
 *
 * @param trace what `lab.lens` or `lab.step` answered
 * @param run path that `saveRun` answered
 * @param title default: the kernel's name
 * @returns the path of the file
 * @throws LabError "bad-trace" when it is neither
 * @example lab.saveTrace(await lab.lens(kernel, config, x, y), lab.saveRun(lab.runDocument("softmax", records)))
 */
export function saveTrace(trace: object, run: string, title?: string): string {
  const of = "blocks" in trace && Array.isArray(trace.blocks) ? "steps" : "lens";
  const name = title ?? String((trace as { kernel?: unknown }).kernel ?? "launch");
  const parsed = fileSchema.safeParse({ kind, version: 1, title: name, of, trace });
  if (!parsed.success) {
    throw new LabError("bad-trace", `Keeping a trace beside ${run}: ${whyNot(parsed.error)}.`, {
      advice: "Pass what lab.lens or lab.step answered.",
    });
  }
  const packed = gzipSync(JSON.stringify(parsed.data), { level: 9 });
  const stem = `${basename(run, ".json")}.${of}-${name.replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 60)}`;
  return writeNewFile(dirname(run), stem, traceEnding, packed);
}

/** The traces that lie beside a run's file. */
export function tracesBeside(run: string): string[] {
  const stem = `${basename(run, ".json")}.`;
  return readdirSync(dirname(run))
    .filter((name) => name.startsWith(stem) && name.endsWith(traceEnding))
    .sort()
    .map((name) => join(dirname(run), name));
}

/**
 * Reads a trace from its file's bytes; `name` stands in messages.
 *
 * @throws LabError "bad-trace-file"
 */
export function readTrace(bytes: Uint8Array, name: string): StoredTrace {
  let why: string;
  try {
    const content: unknown = JSON.parse(gunzipSync(bytes, { maxOutputLength: mostBytes }).toString("utf8"));
    const parsed = fileSchema.safeParse(content);
    if (parsed.success) return parsed.data;
    why = whyNot(parsed.error);
  } catch (cause) {
    why = cause instanceof Error ? cause.message : String(cause);
  }
  throw new LabError("bad-trace-file", `Reading ${name}: expected a trace, but ${why}.`, {
    advice: "The file is damaged or of another lab's version: delete it, or record the launch again.",
  });
}

function whyNot(error: { issues: ReadonlyArray<{ path: PropertyKey[]; message: string }> }): string {
  const first = error.issues[0]!;
  return `${first.path.map(String).join(".") || "the document"}: ${first.message}`;
}
