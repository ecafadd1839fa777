import { parquetWriteBuffer } from "hyparquet-writer";
import type { Column, Flat } from "./columns";

/** Columns as a Parquet file: numbers as DOUBLE, truths as BOOLEAN, the rest and mixed columns as text; null stays null. */
export function parquetBytes(columns: readonly Column[]): Uint8Array {
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: columns.map(({ name, values }) => {
        const type = typeOf(values);
        return { name, type, nullable: true, data: values.map((value) => converted(value, type)) };
      }),
      kvMetadata: [{ key: "writer", value: "kernel-lab" }],
    }),
  );
}

type ParquetType = "STRING" | "DOUBLE" | "BOOLEAN";

// Every number is a DOUBLE: bytes and FLOPs go past 32 bits, and a size that is whole today may not be tomorrow.
function typeOf(values: readonly Flat[]): ParquetType {
  const kinds = new Set(values.filter((value) => value !== null).map((value) => typeof value));
  if (kinds.size !== 1) return "STRING";
  return kinds.has("number") ? "DOUBLE" : kinds.has("boolean") ? "BOOLEAN" : "STRING";
}

function converted(value: Flat, type: ParquetType): Flat | undefined {
  if (value === null) return undefined;
  return type === "STRING" ? String(value) : value;
}
