/** `npm run bench`: set-up, then `lab bench` with the arguments given. */

import { inRoot, run, runMain } from "./project.mjs";
import { setup } from "./setup.mjs";

await runMain(async () => {
  await setup();
  const args = [inRoot("lib", "bin", "lab.js"), "bench", ...process.argv.slice(2)];
  const { code } = await run(process.execPath, args, { live: true });
  process.exitCode = code;
});
