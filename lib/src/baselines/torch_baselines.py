"""PyTorch baselines of Kernel Lab, measured as the lab measures its own kernels.

Method: CUDA events, 10 warm-up runs, 50 samples, twice the L2 cache overwritten before each sample, normal data
with outliers, everything enqueued ahead. Each case stands alone: one that fails is recorded with its reason.
Writes one run document of the lab's schema (results/schema.json).

    python torch_baselines.py --out data/baselines            # on a GPU: all cases
    python torch_baselines.py --quick --device cpu --out DIR  # tiny sizes, to try the program
"""

import argparse
import json
import os
import re
import sys
import time

import torch

from baseline_cases import attention_cases, matmul_cases, moe_cases, softmax_cases
from baseline_clock import Clock
from baseline_environment import environment, lab_root
from baseline_run import Run
from baseline_statistics import quantile

WARMUP = 10
SAMPLES = 50


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
