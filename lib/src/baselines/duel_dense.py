"""Softmax and matmul for a duel: inputs, PyTorch's routes, and the check against float64."""

import math

import torch

from baseline_cases import DTYPES, compiled, data
from duel_check import EPSILON, Errors, spread


def tensors_of(case, device):
    outliers = (case["op"]["outliers"]["fraction"], case["op"]["outliers"]["scale"])
    made = {}
    for seed, (name, spec) in enumerate(case["tensors"].items(), 1):
        dtype = DTYPES[spec["dtype"]]
        made[name] = (torch.empty(spec["shape"], dtype=dtype, device=device) if name in case["outputs"]
                      else data(spec["shape"], dtype, device, seed, case["op"].get("magnitude", 1.0), outliers))
    return made


class Softmax:
    """Softmax over rows of x."""

    def __init__(self, case, device):
        self.tensors = tensors_of(case, device)

    def peers(self):
        x = self.tensors["x"]
        return [("torch/eager", "torch eager", lambda: lambda: torch.softmax(x, -1)),
                ("torch/compiled", "torch compiled", lambda: compiled(lambda v: torch.softmax(v, -1), x))]

    def check(self, contender):
        x = self.tensors["x"]
        eps = EPSILON[x.dtype]
        errors = Errors(f"|error| <= ({eps:g} + 2^-20 x (8 + max |x|)) x y + 2^-24")
        (out,) = contender.outputs().values()
        errors.whole("y", out)
        rows = spread(x.shape[0], 256)
        part = x[rows].double()
        want = torch.softmax(part, -1)
        limit = (eps + 2.0 ** -20 * (8 + part.abs().amax(-1, keepdim=True))) * want + 2.0 ** -24
        errors.add("row of the sample", out[rows], want, limit)
        return errors.record()


class Matmul:
    """C = A B in float32."""

    def __init__(self, case, device):
        self.tensors = tensors_of(case, device)

    def peers(self):
        def build():
            torch.backends.cuda.matmul.allow_tf32 = False
            return lambda: self.tensors["a"] @ self.tensors["b"]
        return [("torch/matmul", "torch matmul", build)]

    def check(self, contender):
        a, b = self.tensors["a"], self.tensors["b"]
        factor = 2.0 ** -23 * (4 + 2 * math.sqrt(a.shape[1]))
        errors = Errors(f"|error| <= {factor:.2e} x sum of |a b|")
        (out,) = contender.outputs().values()
        errors.whole("c", out)
        rows = spread(a.shape[0], 32)
        part, whole = a[rows].double(), b.double()
        errors.add("row of the sample", out[rows], part @ whole, factor * (part.abs() @ whole.abs()) + 1e-30)
        return errors.record()
