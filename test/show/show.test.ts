import assert from "node:assert/strict";
import { test } from "node:test";
import { LabError } from "kernel-lab/dist/core/error";
import type { MeasureRecord } from "kernel-lab/dist/record/schema";
import { barPlot } from "kernel-lab/dist/show/bars";
import { heatmap } from "kernel-lab/dist/show/heatmap";
import { linePlot } from "kernel-lab/dist/show/lines";
import { metricFor } from "kernel-lab/dist/show/metric";
import { plot, table } from "kernel-lab/dist/show/plot";
import { plotlyHtml } from "kernel-lab/dist/show/plotly";
import { rooflinePlot } from "kernel-lab/dist/show/roofline";
import { statisticsView } from "kernel-lab/dist/show/statisticsView";
import { colorOf, oursPalette } from "kernel-lab/dist/show/theme";
import { parseHTML } from "linkedom";
import { fixtureRecord } from "../record/fixtures";

function svgOf(text: string) {
  const { document } = parseHTML(`<html><body>${text}</body></html>`);
  return document.querySelector("svg")!;
}

const bars = (svg: string) => [...svgOf(svg).querySelectorAll('[aria-label="bar"] rect')];

test("barPlot() draws a bar a record and labels it", () => {
  const records = [fixtureRecord(), fixtureRecord({ id: "torch/eager", kind: "baseline" })];
  const { svg, html, caption } = barPlot(records, { title: "Softmax & <more>" });
  assert.equal(bars(svg).length, 2);
  assert.match(svg, /xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  assert.match(svg, /4\.00 GB\/s/);
  assert.match(html, /Softmax &#38; &#60;more&#62;/);
  assert.match(html, /this lab/);
  assert.doesNotMatch(caption, /CPU device/);
});

test("barPlot() puts rungs in order of the ladder, before everything else", () => {
  const named = ["torch", "softmax/05_vector", "softmax/04_online"].map((name) => {
    const record = fixtureRecord();
    return { ...record, implementation: { ...record.implementation, name } };
  });
  const { svg } = barPlot(named);
  const order = ["softmax/04_online", "softmax/05_vector", "torch"].map((name) => svg.indexOf(`>${name}<`));
  assert.ok(order[0] > 0 && order[0] < order[1] && order[1] < order[2], String(order));
});

test("barPlot() draws ambiguous bars hollow, leaves rejected out and counts both in the caption", () => {
  const { svg, caption } = barPlot([
    fixtureRecord({ id: "good" }),
    fixtureRecord({ id: "unsure", verdict: "ambiguous" }),
    fixtureRecord({ id: "wrong", verdict: "rejected" }),
  ]);
  const fills = bars(svg).map((bar) => bar.getAttribute("fill"));
  assert.equal(fills.length, 2);
  assert.equal(fills.filter((fill) => fill === "transparent").length, 1);
  assert.doesNotMatch(svg, /wrong/);
  assert.match(caption, /Hollow: 1 ambiguous measurement\./);
  assert.match(caption, /Left out: 1 rejected measurement \(a fixture\)\./);
});

test("every picture of CPU records says that these are not GPU times", () => {
  const records = [256, 512, 1024].map((cols) => fixtureRecord({ device: "cpu", params: { cols } }));
  for (const figure of [barPlot(records), linePlot(records), heatmap(records, { x: "block", y: "cols" })]) {
    assert.match(figure.caption, /CPU device: not GPU times/);
  }
});

const three = (params: (i: number) => Record<string, number>) =>
  (["trusted", "ambiguous", "rejected"] as const).map((verdict, i) => {
    const record = fixtureRecord({ id: `k/${verdict}`, verdict, params: params(i), flops: 1e9 });
    return { ...record, implementation: { ...record.implementation, parameters: { block: 64 << i } } };
  });
const pictures: [string, (records: MeasureRecord[]) => { svg: string; caption: string }, string][] = [
  ["barPlot", (records) => barPlot(records), '[aria-label="bar"] rect'],
  ["linePlot", (records) => linePlot(records, { x: "cols" }), "circle"],
  ["heatmap", (records) => heatmap(records, { x: "block", y: "cols" }), '[aria-label="cell"] rect'],
  ["rooflinePlot", (records) => rooflinePlot(records, { bandwidth: 4e12, peak: 64e12 }), "circle"],
];
for (const [name, draw, marks] of pictures) {
  test(`${name}() draws ambiguous hollow, leaves rejected out, and counts both`, () => {
    const { svg, caption } = draw(three((i) => ({ cols: 256 << i })));
    const fills = [...svgOf(svg).querySelectorAll(marks)].map((mark) => mark.getAttribute("fill"));
    assert.equal(fills.length, 2, svg);
    assert.equal(fills.filter((fill) => fill === "transparent").length, 1);
    assert.doesNotMatch(svg, /=>/, "a function that Plot wrote out instead of calling it");
    assert.match(caption, /Hollow: 1 ambiguous measurement\./);
    assert.match(caption, /Left out: 1 rejected measurement \(a fixture\)\./);
  });

  test(`${name}() of rejected records only is an empty picture that says why`, () => {
    const rejected = three((i) => ({ cols: 256 << i })).map((r) => ({
      ...r,
      verdict: { verdict: "rejected" as const, reasons: ["the output is wrong"] },
    }));
    const { svg, caption } = draw(rejected);
    assert.equal(svgOf(svg).querySelectorAll(marks).length, 0);
    assert.match(caption, /Left out: 3 rejected measurements \(the output is wrong\)\./);
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  });
}

test("statisticsView() shows every statistic, and rates a cycle unless rejected", () => {
  const record = fixtureRecord({ samples: [1e-3, 2e-3, 3e-3] });
  record.rates.perCycle = { clockHz: 1e9, bytes: 4, flops: null };
  record.verdict.throttled = true;
  const { text } = statisticsView([record]);
  for (const column of [
    "mean",
    "std",
    "min",
    "max",
    "median",
    "95% interval",
    "p95",
    "p99",
    "MAD",
    "bytes/cycle",
  ])
    assert.ok(text.includes(column), column);
  assert.match(text, / 2\.00 ms +1\.00 ms +1\.00 ms +3\.00 ms /);
  assert.match(text, /4\.00 +.*trusted, throttled/);
  const rejected = { ...record, verdict: { verdict: "rejected" as const, reasons: [] } };
  assert.doesNotMatch(statisticsView([rejected]).text, /4\.00/);
});

test("linePlot() finds the axis and throws no-axis where there is none", () => {
  const records = [256, 512, 1024].map((cols) =>
    fixtureRecord({ name: `x${cols}`, params: { rows: 4, cols } }),
  );
  const { svg } = linePlot(records);
  assert.equal(svgOf(svg).querySelectorAll("circle").length, 3);
  assert.match(svg, />cols/);
  assert.throws(
    () => linePlot([fixtureRecord()]),
    (e) => LabError.is(e, "no-axis"),
  );
});

test("heatmap() outlines those tied for best and crosses what was skipped", () => {
  const at = (BM: number, BN: number, ms: number): MeasureRecord => {
    const r = fixtureRecord({ samples: Array.from({ length: 40 }, (_, i) => (ms + (i % 5) * 0.001) / 1000) });
    return { ...r, implementation: { ...r.implementation, parameters: { BM, BN } } };
  };
  const slow = at(32, 64, 2);
  const skipped = {
    case: slow.case,
    implementation: { ...slow.implementation, parameters: { BM: 64, BN: 64 } },
  };
  const { svg, caption } = heatmap([at(32, 32, 1), at(64, 32, 1), slow], {
    x: "BN",
    y: "BM",
    failures: [{ ...skipped, kind: "skipped", reason: "too many registers.\nC7512: _Z17attention_15_ends" }],
  });
  const rects = [...svgOf(svg).querySelectorAll('[aria-label="cell"] rect')];
  assert.equal(rects.length, 3);
  assert.equal(rects.filter((r) => r.getAttribute("stroke-width") === "3").length, 2);
  assert.match(svg, /×/);
  assert.match(caption, /2 tied for best.*1 skipped \(too many registers\)/, "the first line only");
});

test("heatmap() outlines a sweep's own winners, whose records are others", () => {
  const at = (BM: number): MeasureRecord => {
    const r = fixtureRecord();
    return { ...r, implementation: { ...r.implementation, parameters: { BM, BN: 1 } } };
  };
  const { caption, svg } = heatmap([at(32), at(64)], { x: "BN", y: "BM", best: [at(64)] });
  assert.match(caption, /Outlined: the fastest/, "equal samples, but only one won");
  const outlined = svgOf(svg).querySelectorAll('[aria-label="cell"] rect[stroke-width="3"]');
  assert.equal(outlined.length, 1);
  assert.doesNotMatch(heatmap([at(32)], { x: "BN", y: "BM", best: [] }).caption, /Outlined/);
});

test("heatmap() of a resource says which, and does not care how the clock was judged", () => {
  const doubtful = fixtureRecord();
  doubtful.implementation.parameters = { BM: 32, BN: 32 };
  doubtful.verdict = { ...doubtful.verdict, verdict: "ambiguous" };
  doubtful.resources = { ...doubtful.resources!, registers: 48 };
  const { caption, svg } = heatmap([doubtful], { x: "BN", y: "BM", resource: "registers" });
  assert.equal(caption, "In each cell: registers a thread.");
  assert.doesNotMatch(svg, /stroke-dasharray/);
  assert.match(svg, />48</);
});

test("rooflinePlot() places a point a record with bytes and FLOPs", () => {
  const { svg, caption } = rooflinePlot([fixtureRecord({ flops: 1e9 }), fixtureRecord()], {
    bandwidth: 4e12,
    peak: 64e12,
  });
  assert.equal(svgOf(svg).querySelectorAll("circle").length, 1);
  assert.match(caption, /meet at 16\.0 FLOP a byte/);
});

test("metricFor() takes FLOP/s where compute limits, bytes/s where memory does, else time", () => {
  assert.equal(metricFor([fixtureRecord()]).name, "bandwidth");
  const compute = fixtureRecord({ flops: 1e9 });
  compute.rates.roofline = null;
  assert.equal(metricFor([compute]).name, "flops");
  const bare = fixtureRecord();
  bare.rates.bytesPerSecond = null;
  assert.equal(metricFor([bare]).name, "time");
  assert.equal(metricFor([bare]).label, "median time (ms)");
});

test("plot() and table() answer SVG and text outside a notebook", () => {
  assert.match(plot([fixtureRecord()])!, /^<svg/);
  const text = table([fixtureRecord()])!;
  assert.match(text, /softmax\/04_online/);
  assert.match(text, /trusted/);
  assert.match(table([{ name: "a", value: 1.5 }])!, /name +value\n─+ {2}─+\na +1\.5/);
});

test("plotlyHtml() cannot be broken out of by data", () => {
  const html = plotlyHtml({ data: [{ name: "</script><b>" }] }, { title: "t", bundle: false });
  assert.equal(html.match(/<\/script>/g)?.length, 1);
  assert.match(html, /\\u003c\/script>/);
});

test("plotlyHtml() has a heading, the height asked for and the lab's colours", () => {
  const html = plotlyHtml({ data: [], layout: { height: 320 } }, { title: "a <b>", bundle: false });
  assert.match(html, /<div style="font:600[^>]*>a &#60;b&#62;<\/div>/);
  assert.match(html, /height:320px/);
  assert.ok(html.includes(oursPalette[0]));
});

test("colorOf() gives each rung of a long ladder a colour of its own, which reads on white and on near-black", () => {
  const ladder = Array.from({ length: 16 }, (_, i) => fixtureRecord({ id: `rung ${i}` }));
  const peers = Array.from({ length: 6 }, (_, i) => fixtureRecord({ id: `peer ${i}`, kind: "baseline" }));
  const found = [...colorOf([...ladder, ...peers]).values()];
  assert.equal(new Set(found).size, 22);
  const linear = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (hex: string) => {
    const [r, g, b] = [1, 3, 5].map((at) => linear(Number.parseInt(hex.slice(at, at + 2), 16) / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a: string, b: string) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  for (const paper of ["#ffffff", "#14171c"]) {
    for (const color of found) assert.ok(contrast(color, paper) >= 3, `${color} on ${paper}`);
  }
});
