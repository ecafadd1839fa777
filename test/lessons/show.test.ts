import assert from "node:assert/strict";
import { test } from "node:test";
import * as lab from "kernel-lab";

const failing: lab.Grade = {
  passed: false,
  cases: [{ case: "no race", status: "failed", detail: "Race on <tile>", check: null }],
  summary: '1 of 7 cases is wrong: "no race".',
  hint: "Is there a barrier?",
};

test("showExercise() answers title, task and the kernel to start from", () => {
  const exercise = lab.exercise("shared-tile");
  const text = lab.showExercise(exercise)!;
  for (const part of [exercise.title, exercise.task, exercise.starter]) assert.ok(text.includes(part), part);
});

test("showGrade() answers the outcome, the hint and every case; of a pass no hint", () => {
  const text = lab.showGrade(failing)!;
  assert.match(
    text,
    /^1 of 7 cases is wrong: "no race"\.\n\nIs there a barrier\?\n\ncase +outcome +detail\n/,
  );
  assert.match(text, /no race +failed +Race on <tile>/);
  const passed = { passed: true, cases: [], summary: "Passed: all 7 cases are right.", hint: "" };
  assert.equal(lab.showGrade(passed), passed.summary);
});
