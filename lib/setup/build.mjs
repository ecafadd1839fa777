/** `npm run build`: the same set-up as every command's, alone. */

import { runMain } from "./project.mjs";
import { setup } from "./setup.mjs";

await runMain(setup);
