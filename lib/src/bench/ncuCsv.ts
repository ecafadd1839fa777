import * as aq from "arquero";
import { LabError } from "../core/error";

/** One profiled launch: the kernel's symbol and its metrics, null where ncu had no number. */
export interface NcuRow {
  readonly kernel: string;
  readonly metrics: Readonly<Record<string, number | null>>;
  /** Units as ncu prints them: "sector", "inst", "". */
  readonly units: Readonly<Record<string, string>>;
}

/** Columns that `ncu --csv --page raw` prints before and between the metrics. */
const known = new Set(
  "ID,Process ID,Process Name,Host Name,Kernel Name,thread Domain:Push/Pop_Range:PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg,Id:Domain:Start/Stop_Range:PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg,Context,Stream,Block Size,Grid Size,Device,CC".split(
    ",",
  ),
);

/**
 * Reads what `ncu --csv --page raw --print-units base` prints: a header, a line of units, one line a launch. ncu's own
 * messages before it are skipped. Throws "ncu-unreadable" when there is no such table.
 */
export function parseNcuCsv(text: string): NcuRow[] {
  const start = /^"ID",/m.exec(text);
  if (!start) {
    throw new LabError("ncu-unreadable", "ncu printed no table of metrics.", {
      advice: `It said: ${text.trim().slice(0, 500) || "nothing"}`,
    });
  }
  const table = text
    .slice(start.index)
    .split(/\r?\n/)
    .filter((line) => line.startsWith('"'))
    .join("\n");
  const parsed = aq.fromCSV(table, { autoType: false }) as {
    objects(): Record<string, string | null>[];
    columnNames(): string[];
  };
  const [unitRow = {}, ...rows] = parsed.objects();
  const names = parsed.columnNames().filter((name) => !known.has(name));
  const units = Object.fromEntries(names.map((name) => [name, unitRow[name] ?? ""]));
  return rows.map((row) => ({
    kernel: row["Kernel Name"] ?? "",
    metrics: Object.fromEntries(names.map((name) => [name, numberOf(row[name])])),
    units,
  }));
}

/** A number as ncu prints it, thousands apart by commas; null for "n/a" and the like. */
function numberOf(text: string | null | undefined): number | null {
  const value = text ? Number(text.replace(/,/g, "")) : Number.NaN;
  return Number.isFinite(value) ? value : null;
}
