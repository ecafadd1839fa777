import assert from "node:assert/strict";
import { test } from "node:test";
import { runDocument } from "kernel-lab/dist/record/document";
import { report } from "kernel-lab/dist/show/report";
import { fixtureRecord } from "../record/fixtures";

const slower = Array.from({ length: 50 }, (_, i) => 3e-3 + ((i * 7) % 11) * 1e-7);

test("report() is one page that asks the network for nothing", () => {
  const { html } = report({ runs: [runDocument("softmax", [fixtureRecord()])] });
  assert.match(html, /^<!doctype html>/);
  const addresses = [...html.matchAll(/(?:src|href)="([^"#]*)/g)].map((m) => m[1]).filter(Boolean);
  assert.deepEqual(addresses, ["data:,"]);
  assert.doesNotMatch(html, /@import|url\(http/);
  assert.match(html, /prefers-color-scheme: dark/);
});

test("report() compares the best of ours with the best baseline of the same device", () => {
  const baseline = fixtureRecord({ id: "torch eager", kind: "baseline", samples: slower });
  const { html, markdown, model } = report({
    runs: [runDocument("softmax", [fixtureRecord()])],
    baselines: [runDocument("softmax", [baseline], { writer: "torch_baselines" })],
  });
  assert.equal(model.sections.length, 1);
  assert.match(model.sections[0].headlines[0], /3\.00x torch eager/);
  for (const text of [html, markdown]) assert.match(text, /3\.00x torch eager/);
});

test("report() keeps devices apart, GPUs first, and marks the CPU device", () => {
  const { model, html } = report({
    runs: [
      runDocument("softmax", [fixtureRecord({ device: "cpu" })]),
      runDocument("softmax", [fixtureRecord()]),
    ],
  });
  assert.deepEqual(
    model.sections.map((s) => s.environment.device.kind),
    ["cuda", "cpu"],
  );
  assert.match(html, /not GPU times/);
});

test("report() never headlines a rejected record", () => {
  const fast = fixtureRecord({ id: "cheat", verdict: "rejected", samples: [1e-6, 1e-6] });
  const { model } = report({ runs: [runDocument("softmax", [fast, fixtureRecord({ id: "honest" })])] });
  assert.match(model.sections[0].headlines.join(), /honest/);
  assert.doesNotMatch(model.sections[0].headlines.join(), /cheat/);
  assert.deepEqual(model.counts, { trusted: 1, ambiguous: 0, rejected: 1 });
});

test("report() of nothing says so and names what was skipped", () => {
  const { html, markdown } = report({ runs: [], warnings: ["Skipped: <broken.json>"] });
  assert.match(html, /No result files yet/);
  assert.match(html, /&#60;broken\.json&#62;/);
  assert.match(markdown, /<broken\.json>/);
});
