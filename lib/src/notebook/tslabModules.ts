/** Packages that tslab depends on, resolved from tslab: wherever npm has put them, these are the ones it uses. */

import { createRequire } from "node:module";
import type * as TypeScript from "@tslab/typescript-for-tslab";
import type * as Zeromq from "zeromq";

interface Modules {
  readonly zeromq: typeof Zeromq;
  readonly "@tslab/typescript-for-tslab": typeof TypeScript;
}

/** Loads one of tslab's own packages. */
export function fromTslab<Name extends keyof Modules>(name: Name): Modules[Name] {
  return createRequire(require.resolve("tslab/package.json"))(name) as Modules[Name];
}
