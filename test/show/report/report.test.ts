import assert from "node:assert/strict";
import { test } from "node:test";
import { runDocument } from "kernel-lab/dist/record/document";
import { figuresOf } from "kernel-lab/dist/show/report/figures";
import { report } from "kernel-lab/dist/show/report/report";
import { fixtureRecord } from "../../record/fixtures";

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

test("report() follows the order of the reporting requirements in both forms", () => {
  const baseline = fixtureRecord({ id: "torch eager", kind: "baseline", samples: slower });
  const swept = [64, 128].map((block) => {
    const record = fixtureRecord({ samples: block === 64 ? slower : fixtureRecord().samples });
    return { ...record, implementation: { ...record.implementation, parameters: { block } } };
  });
  const { html, markdown } = report({
    runs: [runDocument("softmax", [...swept, fixtureRecord({ id: "softmax/01_naive", samples: slower })])],
    baselines: [runDocument("softmax", [baseline], { writer: "torch_baselines" })],
    notes: "Two stages <were> tried.",
  });
  const order = [
    "Hardware used",
    "Results",
    "Speed-up",
    "Profile",
    "Timeline",
    "Top kernels by time",
    "Memory bandwidth utilisation",
    "Compute utilisation",
    "Analysis",
    "What limits each kernel",
    "Attempts measured",
    "Discussion and future work",
  ];
  for (const [name, pattern] of [
    ["html", /<h[23][^>]*>(?:\d\. )?([^<]*)/g],
    ["markdown", /^#{2,3} (?:\d\. )?(.*)$/gm],
  ] as const) {
    const text = name === "html" ? html : markdown;
    const headings = [...text.matchAll(pattern)].map((m) => m[1]).filter((h) => order.includes(h));
    assert.deepEqual(headings, order, name);
  }
  for (const text of [html, markdown]) {
    assert.match(text, /block 128/);
    assert.match(text, /200% slower/);
    assert.match(text, /Two stages/);
  }
  assert.match(html, /&#60;were&#62;/);
});

test("report() leaves discussion and future work to the author", () => {
  const { html, markdown } = report({ runs: [runDocument("softmax", [fixtureRecord()])] });
  for (const text of [html, markdown]) assert.match(text, /For the author to write/);
});

test("report() adds up the time of each kernel", () => {
  const { model } = report({
    runs: [runDocument("softmax", [fixtureRecord(), fixtureRecord({ id: "slow", samples: slower })])],
  });
  assert.deepEqual(
    model.topKernels.map((t) => [t.implementation, t.launches, Math.round(t.share * 100)]),
    [
      ["slow", 50, 75],
      ["softmax/04_online", 50, 25],
    ],
  );
});

test("figuresOf() puts cases together that the same implementations ran", () => {
  const records = [
    ...["a", "b"].map((id) => fixtureRecord({ name: "size 1", id, params: {} })),
    fixtureRecord({ name: "size 2", id: "a", params: {} }),
    ...["b", "a"].map((id) => fixtureRecord({ name: "size 3", id, params: {} })),
  ];
  const { model } = report({ runs: [runDocument("softmax", records)] });
  const drawn = figuresOf(model.sections[0]).map((f) =>
    [...f.svg.matchAll(/<title>size (\d)/g)].map((m) => m[1]),
  );
  assert.deepEqual(
    drawn.map((cases) => [...new Set(cases)]),
    [["1", "3"], ["2"]],
  );
});

test("figuresOf() draws no more bars on a picture than fit on a sheet, and every case once", () => {
  const records = Array.from({ length: 9 }, (_, size) =>
    Array.from({ length: 5 }, (_, rung) =>
      fixtureRecord({ name: `size ${size}`, id: `rung ${rung}`, params: {} }),
    ),
  ).flat();
  const { model } = report({ runs: [runDocument("softmax", records)] });
  const figures = figuresOf(model.sections[0]);
  assert.equal(figures.length, 2);
  const drawn = figures.map((f) => new Set([...f.svg.matchAll(/<title>size (\d)/g)].map((m) => m[1])));
  assert.deepEqual(
    drawn.map((cases) => cases.size),
    [5, 4],
  );
});

test("figuresOf() draws a heatmap a sweep, of that implementation alone", () => {
  const settings = [32, 64, 128].flatMap((BM) => [8, 16].map((BK) => ({ BM, BK })));
  const records = ["matmul/05_vector", "matmul/06_pipelined"].flatMap((id) =>
    settings.map((parameters) => {
      const record = fixtureRecord({ id, suite: "matmul" });
      return { ...record, implementation: { ...record.implementation, parameters } };
    }),
  );
  const { model } = report({ runs: [runDocument("matmul", records)] });
  const titles = figuresOf(model.sections[0]).map((f) => f.title);
  assert.deepEqual(
    titles.filter((title) => title.includes("sweep")).map((title) => title.replace(/,.*:/, ":")),
    ["matmul/05_vector: sweep of BM and BK", "matmul/06_pipelined: sweep of BM and BK"],
  );
});

test("report() names whose runs an environment is of: the lab's, PyTorch's, or both in turns", () => {
  const titles = (packages: Record<string, string>, node: string | null) => {
    const made = fixtureRecord();
    const record = { ...made, environment: { ...made.environment, packages, node } };
    return report({ runs: [runDocument("softmax", [record])] }).markdown;
  };
  assert.match(titles({}, "v20"), /### .*, this lab's runs\n/);
  assert.match(titles({ torch: "2.9" }, null), /### .*, PyTorch's runs\n/);
  assert.match(titles({ torch: "2.9" }, "v20"), /### .*, this lab's and PyTorch's runs in turns\n/);
});
