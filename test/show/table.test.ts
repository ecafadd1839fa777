import assert from "node:assert/strict";
import { test } from "node:test";
import { recordTable } from "kernel-lab/dist/show/recordTable";
import { recordsView, tableOf } from "kernel-lab/dist/show/table";
import { fixtureRecord } from "../record/fixtures";

test("tableOf() aligns numbers right, escapes HTML and Markdown", () => {
  const { text, html, markdown } = tableOf([
    { name: "a|b <i>", n: 1 },
    { name: "c", n: 1000 },
  ]);
  assert.equal(text.split("\n")[2], "a|b <i>     1");
  assert.match(html, /a\|b &#60;i&#62;/);
  assert.match(markdown, /a\\\|b/);
  assert.match(markdown, /\| --- \| ---: \|/);
});

test("tableOf() aligns sizes and words left, wraps sentences and no numbers", () => {
  const { html } = tableOf([
    { case: "1x1x1", time: "412 us", why: "a sentence that is longer than a line of a table has room for" },
  ]);
  assert.match(html, /<td style="text-align:left;padding:3px 10px;white-space:nowrap">1x1x1</);
  assert.match(html, /<td style="text-align:right;padding:3px 10px;white-space:nowrap">412 us</);
  assert.match(html, /<td style="text-align:left;padding:3px 10px;min-width:24em">a sentence/);
});

test("tableOf() takes an arquero table", () => {
  const sorted = recordTable([fixtureRecord({ id: "b" }), fixtureRecord({ id: "a" })]).orderby(
    "implementation",
  );
  const view = tableOf(sorted, { columns: ["implementation", "verdict"] });
  assert.deepEqual(view.text.split("\n").slice(2), ["a               trusted", "b               trusted"]);
});

test("recordsView() hides the rates of a rejected record and tells why", () => {
  const { text } = recordsView([fixtureRecord({ verdict: "rejected" })]);
  assert.doesNotMatch(text, /GB\/s/);
  assert.match(text, /rejected.*a fixture/);
});
