// The red team on a real GPU: every way to be fooled must be caught, and its honest twin must pass.
//
//   NODE_PATH=<bundle>/node_modules node test/gpu/redteam.cjs [cuda|cpu]
//
// Prints two lines a fixture and ends with "N passed, N failed"; exit code 1 when one failed.
const lab = require("kernel-lab");
const { context, fixtures } = require("../redteam/fixtures.cjs");

async function main() {
  const dev = await lab.open(process.argv[2] ?? "cuda");
  console.log(`${dev.name}, ${lab.calibrationOf(dev.name) ? "calibrated" : "not calibrated"}`);
  const made = await context(lab, dev);
  let passed = 0;
  let failed = 0;
  const line = (good, text) => {
    if (good) passed++;
    else failed++;
    console.log(`${good ? "ok  " : "FAIL"}  ${text}`);
  };
  for (const { way, devices, cheat, clean } of fixtures) {
    if (!devices.includes(dev.kind)) {
      console.log(`skip  ${way}: ${devices.join(", ")} only`);
      continue;
    }
    try {
      const how = await cheat(made);
      line(how !== null, `caught: ${way}: ${how ?? "NOT CAUGHT"}`);
      const blame = await clean(made);
      line(blame === null, `honest: ${way}${blame === null ? "" : `: BLAMED for ${blame}`}`);
    } catch (error) {
      line(false, `${way}: ${error.stack ?? error}`);
    }
  }
  await dev.close();
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
