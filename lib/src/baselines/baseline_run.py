"""A run: measures cases, judges them and collects records and failures into one document."""

import secrets
import time

import torch

from baseline_environment import sensors
from baseline_statistics import quantile, statistics


def new_id():
    return f"{int(time.time() * 1000):x}-{secrets.token_hex(5)}"


class Run:
    """Collects records and failures of one device."""

    def __init__(self, clock, environment, budget):
        self.clock = clock
        self.environment = environment
        self.began = time.monotonic()
        self.budget = budget
        self.records = []
        self.failures = []
        self.peaks = {}
        self.hard_bandwidth = None
        self.bandwidth = None

    def measure(self, case, implementation, build, check=None, bytes=None, flops=None, unit=None):
        """`build()` answers the work to time; `check(output)` answers (passed, max_abs, max_rel, tolerance)."""
        label = f"{case['suite']} {case['name']} {case['dtype']} {implementation['name']}"
        if time.monotonic() - self.began > self.budget:
            self.fail(case, implementation, "skipped", f"the budget of {self.budget} s was spent")
            return
        try:
            if self.clock.cuda:
                torch.cuda.reset_peak_memory_stats()
            work = build()
            state = sensors(self.began) if self.clock.cuda else []
            samples = self.clock.time(work)
            state += sensors(self.began) if self.clock.cuda else []
            checked = None
            if check is not None:
                passed, max_abs, max_rel, tolerance, compared = check(work())
                checked = {"passed": passed, "compared": compared, "maxAbs": max_abs, "meanAbs": None, "maxRel": max_rel,
                           "tolerance": tolerance, "mismatch": None if passed else "outside the tolerance",
                           "timedOutput": False}
            record = self.record(case, implementation, samples, bytes, flops, unit, checked, state)
            self.records.append(record)
            rate = f"{flops / record['statistics']['median'] / 1e12:.4g} TFLOP/s" if flops else ""
            print(f"{label}: {record['statistics']['median'] * 1e3:.4g} ms {rate}", flush=True)
        except Exception as error:  # one case must not cost the others
            self.fail(case, implementation, "failed", f"{type(error).__name__}: {str(error).splitlines()[0][:300] if str(error) else ''}")
            print(f"{label}: {type(error).__name__}", flush=True)
        finally:
            if self.clock.cuda:
                torch.cuda.empty_cache()

    def fail(self, case, implementation, kind, reason):
        self.failures.append({"case": case, "implementation": implementation, "kind": kind, "reason": reason})

    def record(self, case, implementation, samples, bytes, flops, unit, check, state):
        s = statistics(samples)
        memory_floor = bytes / self.bandwidth if bytes and self.bandwidth else 0
        peak = self.peaks.get(unit)
        compute_floor = flops / peak if flops and peak else 0
        roofline = None
        if max(memory_floor, compute_floor) > 0 and (peak or not flops or flops <= 10 * (bytes or 0)):
            bound = "memory" if memory_floor >= compute_floor else "compute"
            floor = max(memory_floor, compute_floor)
            source = f"measured copy {self.bandwidth / 1e12:.3g} TB/s" if bound == "memory" else f"{unit} peak of the data sheet"
            roofline = {"bound": bound, "floorSeconds": floor, "share": floor / s["median"], "source": source}
        l2 = self.environment["device"]["l2Bytes"] or 0
        hard = max(bytes / self.hard_bandwidth if bytes and self.hard_bandwidth and bytes > 4 * l2 else 0, compute_floor)
        return {
            "id": new_id(), "case": case, "implementation": implementation,
            "method": {"warmup": self.clock.warmup, "samples": len(samples), "batch": 1,
                       "flushBytes": self.clock.flush.numel() * 4 if self.clock.flush is not None else 0,
                       "mode": "short", "timer": "events" if self.clock.cuda else "host", "interleaved": False,
                       "eventOverhead": self.clock.overhead},
            "samples": samples, "statistics": s, "bytes": bytes, "flops": flops,
            "rates": {"bytesPerSecond": bytes / s["median"] if bytes else None,
                      "flopsPerSecond": flops / s["median"] if flops else None, "roofline": roofline},
            "check": check,
            "memory": {"usedBytes": torch.cuda.memory_allocated(), "peakBytes": torch.cuda.max_memory_allocated()}
            if self.clock.cuda else None,
            "verdict": judge(samples, s, self.clock, hard, check, state),
            "resources": None, "state": state, "notes": [],
        }

    def document(self):
        return {"kind": "kernel-lab-run", "schemaVersion": 1, "id": new_id(), "suite": "torch-baselines",
                "writer": "torch_baselines", "environment": self.environment, "records": self.records,
                "failures": self.failures, "notes": ["PyTorch's own kernels; the output of the timed runs is not checked."]}


def judge(samples, s, clock, floor, check, state):
    """The gate of lib/src/bench/gate.ts as far as a baseline needs it."""
    rejected, doubts = [], []
    if floor and s["median"] < floor:
        rejected.append(f"faster than physics: {floor / s['median']:.2f}x the rate of the hardware")
    if check is not None and not check["passed"]:
        rejected.append("the output is wrong")
    limit = 0.01 if clock.cuda else 0.05
    half = (s["ci95"][1] - s["ci95"][0]) / 2 / s["median"]
    if len(samples) < 30:
        doubts.append(f"{len(samples)} samples, fewer than 30")
    if half > limit:
        doubts.append(f"the median is known to ±{half * 100:.1f}% only")
    middle = len(samples) // 2
    if middle >= 4:
        drift = quantile(sorted(samples[-middle:]), 0.5) / quantile(sorted(samples[:middle]), 0.5) - 1
        if abs(drift) > limit:
            doubts.append(f"the second half is {abs(drift) * 100:.1f}% {'slower' if drift > 0 else 'faster'}")
    if clock.cuda and s["median"] < 5 * clock.overhead:
        doubts.append(f"shorter than 5 times the events' own {clock.overhead * 1e6:.2f} us")
    throttled = sorted({r for reading in state for r in reading["throttleReasons"] or [] if "applications" not in r})
    if throttled:
        doubts.append(f"throttled: {', '.join(throttled)}")
    if check is None:
        doubts.append("the output was not checked")
    return {"verdict": "rejected" if rejected else "ambiguous" if doubts else "trusted", "reasons": rejected + doubts}
