import { writeFileSync } from "node:fs";
import { z } from "zod";
import { dataPath } from "../core/paths";
import { targetsSchema, targetsVersion } from "./schema";

/** The JSON Schema of a file of targets, as published in data/targets/schema.json. */
export function targetsSchemaText(): string {
  const schema = z.toJSONSchema(targetsSchema, { target: "draft-2020-12" });
  const titled = { title: `Kernel Lab targets, schema version ${targetsVersion}`, ...schema };
  return `${JSON.stringify(titled, null, 2)}\n`;
}

// `node lib/dist/targets/jsonSchema.js` publishes it; a test holds the file against the definition.
if (require.main === module) {
  writeFileSync(dataPath("targets", "schema.json"), targetsSchemaText());
}
