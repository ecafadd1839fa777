#!/bin/bash
# The gate on a real GPU, in one go: calibration, the red team, the modes, the comparison with do_bench.
#
#   NODE_PATH=<bundle>/node_modules bash test/gpu/gate.sh OUT
#
# OUT receives the device's calibration (for data/calibration), do_bench.json and a log of everything. Some two minutes;
# exit code 1 when a part fails, the others run all the same.
set -u
out=${1:?a folder for the results}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
failed=0
part() {
  echo "== $1"
  shift
  timeout 200 "$@" || failed=1
}
{
  part "calibration" node "$NODE_PATH/kernel-lab/bin/lab.js" calibrate --device cuda --out "$out/calibration.json"
  part "modes" node "$here/modes.cjs"
  part "red team" node "$here/redteam.cjs"
  part "do_bench" node "$here/calibrate_do_bench.cjs" "$out/do_bench.json"
  echo "== $([ $failed = 0 ] && echo passed || echo FAILED)"
} 2>&1 | tee "$out/gate.log"
grep -q "^== passed" "$out/gate.log"
