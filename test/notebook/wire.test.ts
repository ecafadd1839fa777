import assert from "node:assert/strict";
import { test } from "node:test";
import { Wire } from "kernel-lab/dist/notebook/wire";

const frames = (parts: (string | Buffer)[]): Buffer[] => parts.map((part) => Buffer.from(part));

test("Wire decodes what it encodes, identities kept", () => {
  const wire = new Wire("secret");
  const sent = frames(wire.encode("execute_request", { code: "1 + 1" }, null, ["client-7"]));
  const message = wire.decode(sent);
  assert.equal(message.header.msg_type, "execute_request");
  assert.deepEqual(message.content, { code: "1 + 1" });
  assert.deepEqual(message.identities.map(String), ["client-7"]);
});

test("Wire names the request in a reply's parent header", () => {
  const wire = new Wire("secret");
  const request = wire.decode(frames(wire.encode("kernel_info_request", {}, null, ["a"])));
  const reply = frames(wire.encode("kernel_info_reply", {}, request, request.identities));
  const parent = JSON.parse(reply[4].toString()) as { msg_id: string };
  assert.equal(parent.msg_id, request.header.msg_id);
});

test("Wire refuses another key, a changed body and a message cut short", () => {
  const sent = frames(new Wire("secret").encode("execute_request", { code: "x" }, null, []));
  assert.throws(() => new Wire("other").decode(sent), /signature is wrong/);
  const changed = [...sent.slice(0, -1), Buffer.from('{"code":"y"}')];
  assert.throws(() => new Wire("secret").decode(changed), /signature is wrong/);
  assert.throws(() => new Wire("secret").decode(sent.slice(0, 3)), /expected a signed Jupyter message/);
});

test("Wire takes unsigned messages only when the key is empty", () => {
  const unsigned = frames(new Wire("").encode("execute_request", { code: "x" }, null, []));
  assert.deepEqual(new Wire("").decode(unsigned).content, { code: "x" });
  assert.throws(() => new Wire("secret").decode(unsigned), /signature is wrong/);
});
