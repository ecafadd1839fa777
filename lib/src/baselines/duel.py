"""A duel: the lab's kernels and PyTorch's routes timed in turns in one process, by `lab duel`.

    python duel.py FOLDER

FOLDER holds job.json (lib/src/duel/job.ts) and the launches it names; result.json is written there after every case, so
that a run cut short keeps what it has. One line a contender is printed, with its time and the best peer's over it.
"""

import gc
import json
import os
import platform
import sys
import time

import torch

from duel_attention import Attention
from duel_clock import Clock, Ours, Peer
from duel_dense import Matmul, Softmax
from duel_launch import Driver
from duel_sensors import Sensors

OPERATORS = {"attention": Attention, "softmax": Softmax, "matmul": Matmul}


def packages():
    found = {"python": platform.python_version(), "torch": torch.__version__}
    if torch.backends.cudnn.is_available():
        found["cudnn"] = str(torch.backends.cudnn.version())
    from importlib import metadata
    for name in ("triton", "flash-attn-4", "nvidia-cutlass-dsl"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            pass
    return found


def reason(error):
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300] if lines else 'no message'}"


class Duel:
    """A job under way."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "job.json")) as file:
            self.job = json.load(file)
        torch.zeros(1, device="cuda")
        self.driver = Driver()
        self.clock = Clock(self.driver, Sensors(self.driver.bus_id()), self.job["l2Bytes"])
        self.began = time.monotonic()
        self.cases = []

    def run(self):
        for index, case in enumerate(self.job["cases"]):
            result = {"index": index, "warmup": 0, "state": [], "contenders": [], "failures": []}
            try:
                if time.monotonic() - self.began > self.job["limit"]:
                    raise TimeoutError(f"the {self.job['limit']} s for all cases were spent")
                self.case(case, result)
            except Exception as error:  # one case must not cost the others
                result["failures"].append({"id": "all", "name": "all", "kind": "failed", "reason": reason(error)})
                print(f"   not measured: {reason(error)}", flush=True)
            self.cases.append(result)
            self.write()
            gc.collect()
            torch.cuda.empty_cache()

    def case(self, case, result):
        print(f"{case['case']['suite']} {case['case']['name']} {case['case']['dtype']}", flush=True)
        operator = OPERATORS[case["case"]["suite"]](case, "cuda")
        contenders, extras = [], {}

        def enter(id, name, make):
            try:
                contender = make()
                contender.run()
                extras[id] = contender.extra_bytes()
                contenders.append(contender)
            except Exception as error:
                kind = "skipped" if isinstance(error, (ImportError, NotImplementedError, MemoryError)) else "failed"
                result["failures"].append({"id": id, "name": name, "kind": kind, "reason": reason(error)})
                print(f"   {name:32s} {kind}: {reason(error)}", flush=True)
                torch.cuda.empty_cache()

        for entry in case["ours"]:
            folder = os.path.join(self.folder, entry["folder"])
            enter(entry["id"], entry["id"],
                  lambda: Ours(self.driver, entry, folder, operator.tensors, case["outputs"], "cuda"))
        for id, name, build in operator.peers():
            if self.job["peers"] is None or any(part in id for part in self.job["peers"]):
                enter(id, name, lambda: Peer(id, name, build()))
        if not contenders:
            return
        samples, result["state"] = self.clock.duel(contenders, self.job["rounds"], self.job["fewest"], self.job["seconds"])
        result["warmup"] = self.clock.warmup
        inputs = sum(t.nbytes for n, t in operator.tensors.items() if n not in case["outputs"])
        for contender, series in zip(contenders, samples):
            result["contenders"].append({
                "id": contender.id, "name": contender.name, "ours": contender.ours, "samples": series,
                # The last of the timed runs left these outputs.
                "check": operator.check(contender), "inputBytes": inputs, "extraBytes": extras[contender.id]})
        self.tell(result["contenders"], case)

    @staticmethod
    def tell(contenders, case):
        median = lambda c: sorted(c["samples"])[len(c["samples"]) // 2]
        peers = [median(c) for c in contenders if not c["ours"] and c["check"]["passed"]]
        for c in sorted(contenders, key=median):
            ratio = f"{min(peers) / median(c):6.3f}x of the best peer" if peers else ""
            flops = case["flops"]
            rate = f"{flops / median(c) / 1e12:7.1f} TFLOP/s" if flops else ""
            wrong = "" if c["check"]["passed"] else f"  WRONG: {c['check']['mismatch']}"
            print(f"   {c['name']:32s} {median(c) * 1e3:9.4f} ms {rate}  {ratio}{wrong}", flush=True)

    def write(self):
        document = {"packages": packages(), "cases": self.cases, "flushBytes": self.clock.flush.nbytes,
                    "eventOverhead": self.clock.overhead, "persistingReset": self.clock.persisting}
        path = os.path.join(self.folder, "result.json")
        with open(f"{path}.tmp", "w") as file:
            json.dump(document, file, allow_nan=False)
        os.replace(f"{path}.tmp", path)


if __name__ == "__main__":
    with torch.inference_mode():
        Duel(sys.argv[1]).run()
