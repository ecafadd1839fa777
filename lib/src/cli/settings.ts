import { type DType, dtypes } from "../core/dtype";
import { LabError } from "../core/error";
import type { Axes } from "../ops/variant";

type Value = number | string | boolean;

/**
 * Reads settings of a command line: `BM=32,64` gives the axis BM two values.
 *
 * @throws LabError "bad-options" for anything that is not NAME=VALUE[,VALUE...], or a name twice
 */
export function parseAxes(settings: readonly string[]): Axes {
  const axes: Record<string, Value[]> = {};
  for (const setting of settings) {
    const [, name, list] = /^([A-Za-z_]\w*)=(.+)$/.exec(setting) ?? [];
    const texts = list?.split(",") ?? [];
    if (name === undefined || texts.some((text) => text === "") || name in axes) {
      throw new LabError(
        "bad-options",
        `Reading settings: expected NAME=VALUE,VALUE once a name, received "${setting}".`,
        {
          advice: "For example: --set BM=32,64 BN=64,128",
        },
      );
    }
    axes[name] = texts.map(parseValue);
  }
  return axes;
}

/**
 * Reads the size of a case: `rows=512 cols=4096 dtype=f16`; names are held against those the case has.
 *
 * @throws LabError "bad-options"
 */
export function parseSizes(
  settings: readonly string[],
  names: readonly string[],
): { sizes: Record<string, number>; dtype: DType | undefined } {
  const { dtype, ...given } = Object.fromEntries(
    Object.entries(parseAxes(settings)).map(([name, values]) => [
      name,
      values.length === 1 ? values[0] : NaN,
    ]),
  );
  const sizes: Record<string, number> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!names.includes(name) || !Number.isSafeInteger(value) || Number(value) < 1) {
      throw new LabError(
        "bad-options",
        `Reading a size: expected a whole number from 1 of ${names.join(", ")}, received ${name}=${String(value)}.`,
        { advice: `For example: --size ${names.map((n) => `${n}=512`).join(" ")}` },
      );
    }
    sizes[name] = Number(value);
  }
  if (dtype !== undefined && !(String(dtype) in dtypes)) {
    throw new LabError("bad-options", `Reading a size: there is no element type ${String(dtype)}.`, {
      advice: `There are ${Object.keys(dtypes).join(", ")}.`,
    });
  }
  return { sizes, dtype: dtype as DType | undefined };
}

function parseValue(text: string): Value {
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}
