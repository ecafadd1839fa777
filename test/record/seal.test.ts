import assert from "node:assert/strict";
import { test } from "node:test";
import { runDocument } from "kernel-lab/dist/record/document";
import { digestOf, sealState } from "kernel-lab/dist/record/seal";
import { runText } from "kernel-lab/dist/record/store";
import { fixtureRecord } from "./fixtures";

test("sealState() tells an edited document from an intact and an unsealed one", () => {
  const document = runDocument("softmax", [fixtureRecord({ samples: [1e-7, 0.1 + 0.2, 3e-3] })]);
  assert.equal(sealState(document), "unsealed");
  const stored = JSON.parse(runText(document));
  assert.equal(sealState(stored), "intact");
  assert.equal(sealState(JSON.parse(JSON.stringify(stored, null, 4))), "intact", "however it is indented");
  const faster = structuredClone(stored);
  faster.records[0].samples[2] = 2e-3;
  assert.equal(sealState(faster), "edited");
  assert.equal(sealState({ ...stored, notes: ["one more"] }), "edited");
  assert.equal(sealState({ ...stored, digest: `sha256:${"0".repeat(64)}` }), "edited");
});

test("sealState() judges a file's text as it judges the document", () => {
  const document = { kind: "x", notes: ['a "quoted: \\', ": b", ""], numbers: [1e-5, 0.1, 1e21] };
  const stored = { ...document, digest: digestOf(document) };
  const state = (text: string) => sealState(JSON.parse(text), text);
  const text = JSON.stringify(stored, null, 1);
  for (const indent of [0, 1, 4]) assert.equal(state(JSON.stringify(stored, null, indent)), "intact");
  assert.equal(state(text.replace("1e-5", "1.0E-05")), "intact", "another writer's way with numbers");
  assert.equal(state(JSON.stringify({ digest: stored.digest, ...document })), "intact", "a seal in front");
  assert.equal(state(text.replace('": b"', '":b"')), "edited", "a blank inside a string counts");
  assert.equal(state(text.replace("0.1", "0.2")), "edited");
  assert.equal(state(text.replace('"kind": "x"', '"kind": "y", "kind": "z"')), "edited");
  assert.equal(state(JSON.stringify(document)), "unsealed");
});

test("digestOf() leaves the digest itself out", () => {
  const document = runDocument("softmax", [fixtureRecord()]);
  assert.match(digestOf(document), /^sha256:[0-9a-f]{64}$/);
  assert.equal(digestOf({ ...document, digest: "sha256:other" }), digestOf(document));
});
