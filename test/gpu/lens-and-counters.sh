#!/bin/sh
# One session on a GPU for what CI cannot see of the lens: counters, the sanitizer, the lens's predictions held
# against the counters. Under five minutes on an H200.
#
#   OUT=<folder> sh test/gpu/lens-and-counters.sh <unpacked bundle>
#
# Leaves in $OUT: ncu-raw.csv, sanitize.json, the validation's record, table and picture.
bundle=${1:?the folder of an unpacked bundle}
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P)
out=${OUT:-.}
export NODE_PATH="$bundle/node_modules" KERNEL_LAB_HOME="$bundle"
node="$bundle/bin/node"
failed=0

step() {
  began=$(date +%s)
  echo "== $1"
  shift
  "$@" || failed=1
  echo "   $(($(date +%s) - began)) s"
}

step "counters, occupancy, SASS" "$node" "$here/counters.cjs"
step "the lens against the counters" "$bundle/lab" validate --out "$out"
step "compute-sanitizer over every rung" "$node" "$here/sanitize.cjs"
exit $failed
