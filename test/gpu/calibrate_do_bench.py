"""Times the very kernels that the lab timed, from the lab's own CUBIN, with triton's do_bench.

    python3 test/gpu/calibrate_do_bench.py JOBS.json

JOBS.json is what calibrate_do_bench.cjs writes; prints one JSON object, name -> median seconds; "nothing" is do_bench's
time of no work at all: what its pair of events costs.
Needs torch, triton and cupy; cupy launches the CUBIN on torch's stream, do_bench times it as it times anything.
"""

import json
import sys

import cupy
import numpy
import torch
from triton.testing import do_bench

SCALARS = {
    ("int", 4): numpy.int32,
    ("uint", 4): numpy.uint32,
    ("int", 8): numpy.int64,
    ("uint", 8): numpy.uint64,
    ("f32", 4): numpy.float32,
    ("f64", 8): numpy.float64,
}
DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def argument(spec, keep):
    """One kernel argument: a tensor of normal values, or a scalar of the kernel's own type."""
    if "scalar" in spec:
        return SCALARS[(spec["kind"], spec["size"])](spec["scalar"])
    tensor = torch.randn(spec["elements"], device="cuda", dtype=DTYPES[spec["dtype"]])
    keep.append(tensor)
    return numpy.uint64(tensor.data_ptr())


def median_seconds(job):
    """The median of do_bench over one job, seconds."""
    keep = []
    function = cupy.RawModule(path=job["cubin"]).get_function(job["symbol"])
    if job["shared"] > 48 * 1024:
        function.max_dynamic_shared_size_bytes = job["shared"]
    arguments = tuple(argument(spec, keep) for spec in job["args"])
    stream = cupy.cuda.ExternalStream(torch.cuda.current_stream().cuda_stream)

    def launch():
        with stream:
            function(tuple(job["grid"]), tuple(job["block"]), arguments, shared_mem=job["shared"])

    launch()
    torch.cuda.synchronize()
    return do_bench(launch, warmup=100, rep=job["milliseconds"], return_mode="median") * 1e-3


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        jobs = json.load(file)
    torch.manual_seed(1)
    times = {job["name"]: median_seconds(job) for job in jobs}
    times["nothing"] = do_bench(lambda: None, warmup=20, rep=50, return_mode="median") * 1e-3
    print(json.dumps(times))


if __name__ == "__main__":
    main()
