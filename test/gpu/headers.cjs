// The device headers on a real GPU: every case of test/kernels/hopper-cases.ts, against the same expected numbers that
// the CPU device is tested with, and against what the CPU device makes of it where a C++ compiler is at hand.
//
//   NODE_PATH=<bundle>/node_modules node test/gpu/headers.cjs [cuda|cpu]      (test/.build must have been built)
//
// Prints one line a case and ends with "N passed, N failed"; exit code 1 when one failed.
const lab = require("kernel-lab");
const { HopperRunner, hopperCases, mismatch } = require("../.build/kernels/hopper-cases.js");

const kind = process.argv[2] ?? "cuda";

/** The CPU device's runner, or null where nothing can compile for it. */
async function twin() {
  if (kind === "cpu") return null;
  const device = await lab.open("cpu");
  try {
    await device.compile("__global__ void probe() {}");
    return new HopperRunner(lab, device);
  } catch (error) {
    console.log(`# no comparison with the CPU device: ${error.message.split("\n")[0]}`);
    await device.close();
    return null;
  }
}

(async () => {
  // A kernel that waits for what never comes must end, and its case alone must fail.
  const device = await lab.open(kind, { timeLimit: 20 });
  console.log(`# ${device.name}, ${hopperCases.length} cases`);
  const runner = new HopperRunner(lab, device);
  const cpu = await twin();
  let passed = 0;
  let failed = 0;
  for (const one of hopperCases) {
    const start = performance.now();
    let wrong;
    let compared = "";
    try {
      const outcome = await runner.run(one);
      wrong = mismatch(outcome);
      if (!wrong && cpu) {
        const there = await cpu.run(one);
        const differing = Array.from(outcome.got).filter((value, i) => !Object.is(value, there.got[i])).length;
        compared = differing ? `, ${differing} of ${outcome.got.length} differ in bits from the CPU device` : ", bit for bit";
      }
    } catch (error) {
      wrong = `${error.code ?? ""} ${error.message}`;
    }
    wrong ? failed++ : passed++;
    const time = `${(performance.now() - start).toFixed(0)} ms`;
    console.log(wrong ? `FAIL  ${one.name}: ${wrong} (${time})` : `ok    ${one.name} (${time}${compared})`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  await device.close();
  if (cpu) await cpu.device.close();
  process.exit(failed ? 1 : 0);
})();
