"""PyTorch baselines of Kernel Lab, measured as the lab measures its own kernels.

Method: CUDA events, 10 warm-up runs, 50 samples, twice the L2 cache overwritten before each sample, normal data
with outliers, everything enqueued ahead. Each case stands alone: one that fails is recorded with its reason.
Writes one run document of the lab's schema (results/schema.json).

    python torch_baselines.py --out data/baselines            # on a GPU: all cases
    python torch_baselines.py --quick --device cpu --out DIR  # tiny sizes, to try the program
"""

import argparse
import datetime
import json
import math
import os
import platform
import re
import secrets
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

WARMUP = 10
SAMPLES = 50
OUTLIERS = (0.001, 16.0)
DISTRIBUTION = "normal with 0.1% outliers x16"
DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
UNITS = {"f32": "fp32", "tf32": "tf32", "f16": "fp16", "bf16": "bf16"}


# ---- statistics: the same definitions, generator and seed as lib/src/record/statistics.ts -------------------------

def quantile(ordered, q):
    at = q * (len(ordered) - 1)
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def random_indices(seed, draws, below):
    """mulberry32: its state is a counter, so every draw is computed at once."""
    mask = 0xFFFFFFFF
    state = (seed + 0x6D2B79F5 * torch.arange(1, draws + 1, dtype=torch.int64)) & mask

    def imul(a, b):  # the low 32 bits of a product, without leaving 64
        return (a * (b & 0xFFFF) + (((a * (b >> 16)) & 0xFFFF) << 16)) & mask

    t = imul(state ^ (state >> 15), state | 1)
    t = t ^ ((t + imul(t ^ (t >> 7), t | 61)) & mask)
    t = (t ^ (t >> 14)) & mask
    return (t.double() / 4294967296 * below).floor().long()


def statistics(samples):
    ordered = sorted(samples)
    count = len(ordered)
    mean = sum(ordered) / count
    median = quantile(ordered, 0.5)
    resamples = max(200, min(2000, 2_000_000 // count))
    picks = random_indices(20260101, resamples * count, count).view(resamples, count)
    drawn = torch.tensor(ordered, dtype=torch.float64)[picks].sort(dim=1).values
    low, high = (count - 1) // 2, count // 2
    medians = sorted((drawn[:, low] + (drawn[:, high] - drawn[:, low]) * 0.5).tolist())
    return {
        "count": count,
        "mean": mean,
        "std": math.sqrt(sum((x - mean) ** 2 for x in ordered) / (count - 1)) if count > 1 else 0.0,
        "min": ordered[0],
        "max": ordered[-1],
        "median": median,
        "p95": quantile(ordered, 0.95),
        "p99": quantile(ordered, 0.99),
        "mad": quantile(sorted(abs(x - median) for x in ordered), 0.5),
        "ci95": [quantile(medians, 0.025), quantile(medians, 0.975)],
    }


# ---- the clock ----------------------------------------------------------------------------------------------------

class Clock:
    """Times functions on one device."""

    def __init__(self, device, warmup, samples):
        self.device = device
        self.cuda = device.type == "cuda"
        self.warmup = warmup
        self.samples = samples
        self.flush = None
        if self.cuda:
            l2 = torch.cuda.get_device_properties(device).L2_cache_size
            self.flush = torch.empty(2 * l2 // 4, dtype=torch.int32, device=device)
        self.overhead = sorted(self.time(lambda: None, warmup=1, samples=21, flush=False))[10]

    def time(self, work, warmup=None, samples=None, flush=True):
        warmup = self.warmup if warmup is None else warmup
        samples = self.samples if samples is None else samples
        for _ in range(warmup):
            work()
        if not self.cuda:
            times = []
            for _ in range(samples):
                start = time.perf_counter()
                work()
                times.append(time.perf_counter() - start)
            return times
        torch.cuda.synchronize()
        events = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(samples)]
        for start, end in events:
            if flush:
                self.flush.zero_()
            start.record()
            work()
            end.record()
        torch.cuda.synchronize()
        return [start.elapsed_time(end) * 1e-3 for start, end in events]


# ---- the document -------------------------------------------------------------------------------------------------

def smi(fields):
    try:
        line = subprocess.run(
            ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits", "-i", "0"],
            capture_output=True, text=True, timeout=10, check=True).stdout.strip()
        return dict(zip(fields, [part.strip() for part in line.split(",")]))
    except (OSError, subprocess.SubprocessError):
        return {}


def number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def sensors(began):
    """One reading of the GPU's sensors, in the schema's units."""
    read = smi(["clocks.sm", "clocks.mem", "temperature.gpu", "power.draw", "power.limit", "clocks_event_reasons.active"])
    if not read:
        return []
    names = {0x2: "applications-clocks", 0x4: "power-cap", 0x8: "hardware-slowdown", 0x10: "sync-boost",
             0x20: "thermal-software", 0x40: "thermal-hardware", 0x80: "power-brake"}
    try:
        bits = int(read["clocks_event_reasons.active"], 16)
        reasons = [name for bit, name in names.items() if bits & bit]
    except ValueError:
        reasons = None
    hertz = lambda text: None if number(text) is None else number(text) * 1e6
    return [{
        "at": time.monotonic() - began, "smClockHz": hertz(read["clocks.sm"]), "memoryClockHz": hertz(read["clocks.mem"]),
        "temperatureC": number(read["temperature.gpu"]), "powerW": number(read["power.draw"]),
        "powerLimitW": number(read["power.limit"]), "throttleReasons": reasons,
    }]


def lab_root():
    here = os.path.dirname(os.path.abspath(__file__))
    while here != os.path.dirname(here):
        if os.path.isdir(os.path.join(here, "kernels")) and os.path.isdir(os.path.join(here, "data")):
            return here
        here = os.path.dirname(here)
    return os.getcwd()


def git(*args):
    try:
        return subprocess.run(["git", "-C", lab_root(), *args], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def cpu_name():
    try:
        with open("/proc/cpuinfo") as info:
            return re.search(r"model name\s*:\s*(.+)", info.read()).group(1)
    except (OSError, AttributeError):
        return platform.processor() or "unknown"


def lab_version():
    for name in ("lib/package.json", "package.json", "node_modules/kernel-lab/package.json"):
        path = os.path.join(lab_root(), name)
        if os.path.exists(path):
            with open(path) as file:
                return json.load(file).get("version", "0.0.0")
    return "0.0.0"


def environment(device):
    packages = {"python": platform.python_version(), "torch": torch.__version__}
    try:
        import triton
        packages["triton"] = triton.__version__
    except ImportError:
        pass
    if device.type == "cuda":
        p = torch.cuda.get_device_properties(device)
        read = smi(["driver_version", "clocks.max.sm", "clocks.max.mem", "power.limit"])
        hertz = lambda key: None if number(read.get(key)) is None else number(read[key]) * 1e6
        described = {
            "kind": "cuda", "name": p.name, "arch": f"sm_{p.major}{p.minor}", "capability": [p.major, p.minor],
            "multiprocessors": p.multi_processor_count, "memoryBytes": p.total_memory, "l2Bytes": p.L2_cache_size,
            "clockHz": hertz("clocks.max.sm"), "memoryClockHz": hertz("clocks.max.mem"),
            "powerLimitW": number(read.get("power.limit")), "workers": None,
        }
        driver, runtime = read.get("driver_version"), torch.version.cuda
        if torch.backends.cudnn.is_available():
            packages["cudnn"] = str(torch.backends.cudnn.version())
    else:
        described = {
            "kind": "cpu", "name": cpu_name(), "arch": platform.machine(), "capability": None, "multiprocessors": None,
            "memoryBytes": None, "l2Bytes": None, "clockHz": None, "memoryClockHz": None, "powerLimitW": None,
            "workers": torch.get_num_threads(),
        }
        driver = runtime = None
    commit = git("rev-parse", "HEAD")
    return {
        "device": described, "driver": driver, "runtime": runtime, "compiler": None, "packages": packages,
        "lab": {"version": lab_version(), "commit": commit, "dirty": None},
        "node": None,
        "host": {"os": f"{platform.system()} {platform.release()} {platform.machine()}", "cpu": cpu_name(),
                 "cores": os.cpu_count() or 1},
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


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


# ---- cases --------------------------------------------------------------------------------------------------------

def case(suite, name, dtype, **params):
    return {"suite": suite, "name": f"{name} {dtype}", "params": params, "dtype": dtype, "distribution": DISTRIBUTION}


def implementation(name, **parameters):
    return {"id": f"torch/{name.replace(' ', '-')}", "name": f"torch {name}", "kind": "baseline",
            "parameters": parameters, "sourceHash": None}


def data(shape, dtype, device, seed=1, scale=1.0):
    """Normal values, a thousandth of them sixteen times as large."""
    generator = torch.Generator(device=device).manual_seed(seed)
    x = torch.randn(shape, generator=generator, device=device, dtype=dtype)
    flat = x.view(-1)
    count = max(1, int(flat.numel() * OUTLIERS[0]))
    at = torch.randint(flat.numel(), (count,), generator=generator, device=device)
    flat[at] *= OUTLIERS[1]
    return x.mul_(scale)


def close_to(reference, rtol, atol):
    """A check of part of an output against a float64 reference of the same part."""
    def check(output):
        want, part = reference(output)
        got = part.double()
        error = (got - want).abs()
        passed = bool(torch.isfinite(got).all()) and bool((error <= atol + rtol * want.abs()).all())
        max_rel = (error / want.abs().clamp_min(atol)).max().item()
        finite = lambda v: v if math.isfinite(v) else None
        return passed, finite(error.max().item()), finite(max_rel), f"atol {atol:g} rtol {rtol:g}", want.numel()
    return check


def softmax_cases(run, device, shapes):
    for rows, cols, dtype in shapes:
        x = data((rows, cols), DTYPES[dtype], device)
        rtol = 1e-5 if dtype == "f32" else 5e-3
        check = close_to(lambda out: (torch.softmax(x[:64].double(), -1), out[:64]), rtol, 1e-6)
        c = case("softmax", f"{rows}x{cols}", dtype, rows=rows, cols=cols)
        moved = 2 * x.numel() * x.element_size()
        run.measure(c, implementation("eager"), lambda: lambda: torch.softmax(x, -1), check, bytes=moved)
        run.measure(c, implementation("compiled"),
                    lambda: compiled(lambda v: torch.softmax(v, -1), x), check, bytes=moved)


def compiled(function, *args):
    torch._dynamo.reset()
    fast = torch.compile(function, dynamic=False)
    fast(*args)
    return lambda: fast(*args)


def matmul_cases(run, device, shapes, dtypes):
    for m, n, k in shapes:
        for dtype in dtypes:
            storage = DTYPES.get(dtype, torch.float32)
            a, b = data((m, k), storage, device, 1), data((k, n), storage, device, 2)
            tolerance = {"f32": 1e-4, "tf32": 2e-2, "f16": 1e-2, "bf16": 5e-2}[dtype]
            scale = math.sqrt(k)

            def reference(out):
                return a[:16].double() @ b[:, :256].double(), out[:16, :256]

            def build():
                torch.backends.cuda.matmul.allow_tf32 = dtype == "tf32"
                return lambda: a @ b

            run.measure(case("matmul", f"{m}x{n}x{k}", dtype, m=m, n=n, k=k), implementation("matmul"), build,
                        close_to(reference, tolerance, tolerance * scale),
                        bytes=(m * k + k * n + m * n) * a.element_size(), flops=2 * m * n * k, unit=UNITS[dtype])
    torch.backends.cuda.matmul.allow_tf32 = False


def moe_cases(run, device, shapes, dtype):
    from_dtype = DTYPES[dtype]
    for tokens, hidden, inner, experts, top in shapes:
        try:
            x = data((tokens, hidden), from_dtype, device, 1)
            up = data((experts, hidden, inner), from_dtype, device, 2, 1 / math.sqrt(hidden))
            down = data((experts, inner, hidden), from_dtype, device, 3, 1 / math.sqrt(inner))
            router = data((hidden, experts), from_dtype, device, 4, 1 / math.sqrt(hidden))
        except Exception as error:
            for name in ("expert loop", "grouped", "grouped compiled"):
                run.fail(case("moe", f"{tokens} tokens", dtype, tokens=tokens), implementation(name), "failed", str(error)[:200])
            continue

        def route(x):
            weights, chosen = torch.softmax((x @ router).float(), -1).topk(top, -1)
            return weights / weights.sum(-1, keepdim=True), chosen

        def loop(x):
            weights, chosen = route(x)
            out = torch.zeros(x.shape, dtype=torch.float32, device=x.device)
            for e in range(experts):
                token, slot = torch.where(chosen == e)
                y = F.gelu(x[token] @ up[e], approximate="tanh") @ down[e]
                out.index_add_(0, token, y.float() * weights[token, slot, None])
            return out.to(x.dtype)

        def grouped(x):
            weights, chosen = route(x)
            order = chosen.flatten().argsort(stable=True)
            ends = torch.bincount(chosen.flatten(), minlength=experts).cumsum(0).to(torch.int32)
            h = torch._grouped_mm(x[order // top], up, offs=ends)
            y = torch._grouped_mm(F.gelu(h, approximate="tanh"), down, offs=ends)
            slots = torch.empty_like(y)
            slots[order] = y
            return (slots.view(-1, top, hidden).float() * weights[..., None]).sum(1).to(x.dtype)

        def reference(out):
            weights, chosen = route(x)
            rows = []
            for t in range(min(8, tokens)):
                rows.append(sum(weights[t, s].double() * (F.gelu(x[t].double() @ up[e].double(), approximate="tanh")
                                @ down[e].double()) for s, e in enumerate(chosen[t].tolist())))
            return torch.stack(rows), out[:len(rows)]

        check = close_to(reference, 5e-2, 2e-1)
        c = case("moe", f"{tokens} tokens", dtype, tokens=tokens, dim=hidden, hidden=inner, experts=experts, k=top)
        flops = 4 * tokens * top * hidden * inner
        moved = (up.numel() + down.numel() + 2 * x.numel()) * x.element_size()
        options = dict(check=check, bytes=moved, flops=flops, unit=UNITS[dtype])
        run.measure(c, implementation("expert loop"), lambda: lambda: loop(x), **options)
        if hasattr(torch, "_grouped_mm"):
            run.measure(c, implementation("grouped"), lambda: lambda: grouped(x), **options)
            run.measure(c, implementation("grouped compiled"), lambda: compiled(grouped, x), **options)
        else:
            run.fail(c, implementation("grouped"), "skipped", f"torch {torch.__version__} has no torch._grouped_mm")
        del x, up, down, router


def attention_cases(run, device, shapes, dtype):
    from torch.nn.attention import SDPBackend, sdpa_kernel
    routes = {"flash": SDPBackend.FLASH_ATTENTION, "efficient": SDPBackend.EFFICIENT_ATTENTION,
              "cuDNN": SDPBackend.CUDNN_ATTENTION}
    for name, batch, seq, heads, dim in shapes:
        for causal in (False, True):
            q, k, v = (data((batch, heads, seq, dim), DTYPES[dtype], device, s) for s in (1, 2, 3))

            def naive():
                scores = (q @ k.transpose(-1, -2)) * (1 / math.sqrt(dim))
                if causal:
                    scores = scores.masked_fill(mask, float("-inf"))
                return torch.softmax(scores, -1) @ v

            mask = torch.ones(seq, seq, dtype=torch.bool, device=device).triu(1)

            def reference(out):
                rows = min(64, seq)
                scores = q[0, 0, -rows:].double() @ k[0, 0].double().T / math.sqrt(dim)
                if causal:
                    scores = scores.masked_fill(mask[-rows:], float("-inf"))
                return torch.softmax(scores, -1) @ v[0, 0].double(), out[0, 0, -rows:]

            check = close_to(reference, 2e-2, 2e-2)
            c = case("attention", f"{name}{' causal' if causal else ''}", dtype,
                     batch=batch, seq=seq, heads=heads, dim=dim, causal=causal)
            flops = 4 * batch * heads * seq * seq * dim // (2 if causal else 1)
            options = dict(check=check, bytes=4 * q.numel() * q.element_size(), flops=flops, unit=UNITS[dtype])
            run.measure(c, implementation("naive"), lambda: naive, **options)
            for route, backend in routes.items():
                def build(backend=backend):
                    def work():
                        with sdpa_kernel(backend):
                            return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
                    return work
                run.measure(c, implementation(route), build, **options)
            del q, k, v, mask


def copy_bandwidth(clock):
    size = 2 ** 29 if clock.cuda else 2 ** 24
    source = torch.ones(size // 4, device=clock.device)
    target = torch.empty_like(source)
    return 2 * size / quantile(sorted(clock.time(lambda: target.copy_(source), 3, 30 if clock.cuda else 7)), 0.5)


def data_sheet(name):
    try:
        with open(os.path.join(lab_root(), "data", "gpus.json")) as file:
            gpus = json.load(file)["gpus"]
    except (OSError, ValueError, KeyError):
        return None
    words = f" {re.sub('[^A-Za-z0-9-]+', ' ', name)} "
    return next((g for g in gpus if any(re.search(f"[ -]{m}[ -]", words) for m in g["match"])), None)


def write(document, folder):
    """Whole or not at all: a temporary file, flushed, then named."""
    os.makedirs(folder, exist_ok=True)
    device = re.sub("[^a-z0-9]+", "-", document["environment"]["device"]["name"].lower()).strip("-")[:48]
    stem = f"{device}-{re.sub('[:.]', '-', document['environment']['date'])}"
    temporary = os.path.join(folder, f".{stem}.{os.getpid()}.tmp")
    with open(temporary, "w") as file:
        json.dump(document, file, indent=1, allow_nan=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    path = os.path.join(folder, f"{stem}.json")
    os.replace(temporary, path)
    return path


def main():
    parser = argparse.ArgumentParser(description="PyTorch baselines of Kernel Lab.")
    parser.add_argument("--out", default="data/baselines", help="folder of the document")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, few samples")
    parser.add_argument("--suites", default="softmax,matmul,moe,attention")
    parser.add_argument("--budget", type=float, default=220, help="seconds after which cases are skipped")
    args = parser.parse_args()
    device = torch.device(args.device)
    clock = Clock(device, 2 if args.quick else WARMUP, 10 if args.quick else SAMPLES)
    run = Run(clock, environment(device), args.budget)
    run.bandwidth = copy_bandwidth(clock)
    facts = data_sheet(run.environment["device"]["name"]) if clock.cuda else None
    run.peaks = facts["flops"] if facts else {}
    run.hard_bandwidth = facts["bandwidth"] if facts else None
    half = "f16" if clock.cuda else "f32"
    narrow = "bf16" if clock.cuda else "f32"
    wanted = args.suites.split(",")
    if args.quick:
        plans = {
            "softmax": lambda: softmax_cases(run, device, [(64, 256, "f32")]),
            "matmul": lambda: matmul_cases(run, device, [(64, 96, 128)], ["f32"]),
            "moe": lambda: moe_cases(run, device, [(32, 64, 128, 4, 2)], narrow),
            "attention": lambda: attention_cases(run, device, [("tiny", 1, 64, 2, 64)], half),
        }
    else:
        plans = {
            "softmax": lambda: softmax_cases(run, device, [(65536, 4096, "f16"), (65536, 4096, "f32"),
                                                           (262144, 768, "f16"), (262144, 768, "f32")]),
            "matmul": lambda: matmul_cases(run, device, [(4096, 4096, 4096), (8192, 11008, 4096)],
                                           ["f32", "tf32", "f16", "bf16"]),
            "moe": lambda: moe_cases(run, device, [(t, 4096, 11008, 32, 2) for t in (2048, 32768, 65536)], narrow),
            "attention": lambda: attention_cases(
                run, device, [("B16 S2048 H16 D64", 16, 2048, 16, 64)]
                + [(f"Llama-2-7B S{s}", 1, s, 32, 128) for s in (512, 1024, 2048, 4096)]
                + [("B32 S4096 H32 D128", 32, 4096, 32, 128)], half),
        }
    for suite in wanted:
        plans[suite]()
    path = write(run.document(), args.out)
    print(f"{len(run.records)} measured, {len(run.failures)} not, {time.monotonic() - run.began:.0f} s: {path}")
    return 0 if run.records else 1


if __name__ == "__main__":
    with torch.inference_mode():
        sys.exit(main())
