import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { RawClient, type Received } from "./rawClient";
import { temporaryFolder } from "./support";

/** Processes started by `parent`, and by those. */
function descendants(parent: number): number[] {
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, "utf8"))?.[1]) === parent;
      } catch {
        return false;
      }
    })
    .map(Number);
  return [...children, ...children.flatMap(descendants)];
}

function alive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

async function start(context: TestContext): Promise<RawClient> {
  const client = await RawClient.start(temporaryFolder(context));
  context.after(() => client.close());
  await client.done(await client.send("kernel_info_request", {}));
  return client;
}

const typesOf = (messages: readonly Received[]) =>
  messages.map(({ header, content }) => content.execution_state ?? header.msg_type);

test("the kernel over bare sockets, as VS Code drives it", async (context) => {
  const client = await start(context);

  await context.test("every request is busy first and idle last, its messages under its own id", async () => {
    const requests: [string, object][] = [
      ["kernel_info_request", {}],
      ["comm_info_request", {}],
      ["history_request", { hist_access_type: "tail", n: 1, output: false, raw: true }],
      ["is_complete_request", { code: "1" }],
      ["complete_request", { code: "[1].ma", cursor_pos: 6 }],
      ["inspect_request", { code: "Math", cursor_pos: 4, detail_level: 0 }],
    ];
    for (const [type, content] of requests) {
      const { published, reply } = await client.done(await client.send(type, content));
      assert.deepEqual(typesOf(published), ["busy", "idle"], type);
      assert.equal(reply.header.msg_type, type.replace("_request", "_reply"));
    }
  });

  await context.test("displays, updates and text come between input and idle, in order", async () => {
    const { published, reply } = await client.execute(`import * as tslab from "tslab";
console.log("before");
const shown = tslab.newDisplay();
shown.html("<i>half</i>");
console.error("between");
shown.html("<b>done</b>");
42`);
    assert.deepEqual(typesOf(published), [
      "busy",
      "execute_input",
      "stream",
      "display_data",
      "stream",
      "update_display_data",
      "execute_result",
      "idle",
    ]);
    const [first, update] = [published[3], published[5]].map(({ content }) => content.transient);
    assert.deepEqual(update, first);
    assert.equal(typeof (first as { display_id: unknown }).display_id, "string");
    const counts = [published[1], published[6], reply].map(({ content }) => content.execution_count);
    assert.deepEqual(counts, [1, 1, 1]);
  });

  await context.test("a later cell updates an earlier cell's display under its own id", async () => {
    const { published } = await client.execute('shown.html("<u>later</u>");');
    assert.deepEqual(typesOf(published), ["busy", "execute_input", "update_display_data", "idle"]);
  });

  await context.test(
    "a failing cell publishes its error before its reply and keeps the next one",
    async () => {
      const failing = await client.send("execute_request", {
        code: 'throw new Error("x")',
        stop_on_error: false,
      });
      const next = await client.send("execute_request", { code: "7", stop_on_error: false });
      const { published, reply } = await client.done(failing);
      assert.deepEqual(typesOf(published), ["busy", "execute_input", "error", "idle"]);
      for (const content of [published[2].content, reply.content]) {
        assert.deepEqual([content.ename, content.evalue], ["Error", "x"]);
        assert.ok(Array.isArray(content.traceback));
      }
      assert.equal((await client.done(next)).reply.content.status, "ok");
    },
  );

  await context.test("interrupts in the way its spec names, with a completion asked meanwhile", async () => {
    assert.equal(client.interruptMode, "signal");
    const running = await client.send("execute_request", { code: "await new Promise(() => {})" });
    const asked = await client.send("complete_request", { code: "Math.ab", cursor_pos: 7 });
    const { reply: completed } = await client.done(asked);
    assert.deepEqual(completed.content.matches, ["abs"]);
    client.process.kill("SIGINT");
    const { reply } = await client.done(running, 10_000);
    assert.equal(reply.content.ename, "Interrupted");
    assert.equal((await client.execute("1")).reply.content.status, "ok");
  });

  await context.test("nothing came unsigned, and all of one session", () => {
    assert.deepEqual(client.broken, []);
    assert.equal(new Set(client.received.map(({ header }) => header.session)).size, 1);
  });
});

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`${signal}, with which VS Code ends a kernel, ends its device too`, async (context) => {
    const client = await start(context);
    const opened = await client.execute(
      'import * as lab from "kernel-lab"; const dev = await lab.open("cpu"); await dev.zeros([4]).read();',
    );
    assert.equal(opened.reply.content.status, "ok", JSON.stringify(opened.reply.content));
    const { pid } = client.process;
    assert.ok(pid);
    const started = descendants(pid);
    assert.ok(started.length > 0, "the device should be a process of its own");
    const exit = once(client.process, "exit");
    client.process.kill(signal);
    await exit;
    for (let waited = 0; started.some(alive) && waited < 5000; waited += 100) await sleep(100);
    assert.deepEqual(started.filter(alive), []);
  });
}
