"""Drives the lab's kernel over the Jupyter protocol and prints what it saw as one JSON object."""

import json
import sys
import time
from queue import Empty

from jupyter_client.manager import start_new_kernel


DEVICE = r"""
import * as lab from "kernel-lab";
const dev = await lab.open("cpu");
const hello = await dev.compile(`#include <cstdio>
extern "C" __global__ void hello() { printf("thread %d\\n", threadIdx.x); }`);
const spin = await dev.compile('extern "C" __global__ void spin(volatile int* flag) { while (*flag == 0) {} }');
const flag = dev.zeros([1], { dtype: "i32" });
"""


def run(client, code, timeout=60):
    """Executes code and gathers its outputs until the kernel is idle again."""
    message = client.execute(code)
    return gather(client, message, timeout)


def gather(client, message, timeout=60):
    seen = {"types": [], "text": "", "reply": None}
    while True:
        out = client.get_iopub_msg(timeout=timeout)
        if out["parent_header"].get("msg_id") != message:
            continue
        kind = out["header"]["msg_type"]
        seen["types"].append(kind)
        if kind == "stream":
            seen["text"] += out["content"]["text"]
        elif kind == "error":
            seen["error"] = out["content"]
        elif kind == "status" and out["content"]["execution_state"] == "idle":
            break
    while True:
        reply = client.get_shell_msg(timeout=timeout)
        if reply["parent_header"].get("msg_id") == message:
            seen["reply"] = reply["content"]
            return seen


def is_complete(client, code):
    message = client.is_complete(code)
    while True:
        reply = client.get_shell_msg(timeout=60)
        if reply["parent_header"].get("msg_id") == message:
            return reply["content"]


def interrupted(manager, client, code, wait):
    began = time.time()
    message = client.execute(code)
    time.sleep(wait)
    manager.interrupt_kernel()
    seen = gather(client, message)
    seen["seconds"] = time.time() - began
    return seen


def main(folder):
    manager, client = start_new_kernel(kernel_name="tslab", startup_timeout=60, cwd=folder)
    result = {}
    try:
        result["info"] = client.kernel_info(reply=True)["content"]
        result["first"] = run(client, "const numbers: number[] = [1, 2, 3]; numbers.length")
        result["complete"] = client.complete("numbers.ma", 10, reply=True)["content"]
        # An emoji counts as one character for Jupyter and as two units for JavaScript.
        result["emoji"] = client.complete('"\U0001f600"; numbers.ma', 15, reply=True)["content"]
        result["inspect"] = client.inspect("numbers", 3, reply=True)["content"]
        result["incomplete"] = is_complete(client, "function f() {")
        result["complete_code"] = is_complete(client, "const z = 1")
        result["error"] = run(client, 'throw new TypeError("wrong on purpose")')

        failing = client.execute('await new Promise(r => setTimeout(r, 300)); throw new Error("first")')
        follower = client.execute('console.log("must not run")')
        result["failing"] = gather(client, failing)
        result["follower"] = gather(client, follower)
        result["after"] = run(client, 'console.log("runs again")')

        result["waiting"] = interrupted(manager, client, "await new Promise(() => {})", 1.0)
        result["looping"] = interrupted(manager, client, "while (true) {}", 1.0)
        result["alive"] = run(client, "numbers.length")

        result["opened"] = run(client, DEVICE)
        result["printed"] = run(client, "await hello.launch({ grid: 1, block: 2 }); await dev.sync();")
        result["spinning"] = interrupted(manager, client, "await spin.launch({ grid: 1, block: 1 }, flag); await dev.sync();", 2.0)
        result["reopened"] = run(client, "numbers.length + Number((await dev.full([2], 4, { dtype: 'i32' }).read())[1])")

        during = client.execute("await new Promise(r => setTimeout(r, 1500)); 1")
        time.sleep(0.3)
        began = time.time()
        client.complete("numbers.ma", 10, reply=True)
        result["complete_while_busy_seconds"] = time.time() - began
        gather(client, during)
    finally:
        began = time.time()
        manager.shutdown_kernel()
        result["shutdown_seconds"] = time.time() - began
        client.stop_channels()
    print(json.dumps(result))


try:
    main(sys.argv[1])
except Empty:
    sys.exit("the kernel did not answer in time")
