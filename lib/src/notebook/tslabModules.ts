/** Packages that tslab depends on, resolved from tslab: wherever npm has put them, these are the ones it uses. */

import { createRequire } from "node:module";
import type * as TypeScript from "@tslab/typescript-for-tslab";
import type * as Zeromq from "zeromq";

interface Modules {
  readonly zeromq: typeof Zeromq;
  readonly "@tslab/typescript-for-tslab": typeof TypeScript;
}

const requireFromTslab = createRequire(require.resolve("tslab/package.json"));

/** Loads one of tslab's own packages. */
export function fromTslab<Name extends keyof Modules>(name: Name): Modules[Name] {
  return requireFromTslab(name) as Modules[Name];
}

/** The file that tslab loads for one of its own packages. */
export function pathFromTslab(name: keyof Modules): string {
  return requireFromTslab.resolve(name);
}
