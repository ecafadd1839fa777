import { writeFileSync } from "node:fs";
import { z } from "zod";
import { resultsPath } from "../core/paths";
import { documentSchema, samplesSchema, schemaVersion } from "./schema";

/** The JSON Schema of a run document, as published in results/schema.json. */
export function jsonSchemaText(): string {
  const schema = z.toJSONSchema(documentSchema, {
    target: "draft-2020-12",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema !== samplesSchema) return;
      Object.assign(jsonSchema, { minItems: 1, type: "array", items: { type: "number", minimum: 0 } });
    },
  });
  const titled = { title: `Kernel Lab run, schema version ${schemaVersion}`, ...schema };
  return `${JSON.stringify(titled, null, 2)}\n`;
}

// `node lib/dist/record/jsonSchema.js` publishes it; a test holds the file against the definition.
if (require.main === module) {
  writeFileSync(resultsPath("schema.json"), jsonSchemaText());
}
