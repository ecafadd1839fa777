"""Attention for a duel: inputs, PyTorch's routes, and the check against float64."""

import torch
import torch.nn.functional as F

from baseline_cases import DTYPES, data
from duel_check import EPSILON, Errors, spread

# Twice the bound of lib/src/ops/attentionProblem.ts, the same for everyone: other orders of summation, other exponentials.
SLACK = 2.0


class Attention:
    """One case; tensors in memory are [batch, head, row, dim] or [batch, row, head, dim], views always the first."""

    def __init__(self, case, device):
        self.c = c = case["op"]
        self.dtype = DTYPES[case["case"]["dtype"]]
        self.tensors = {}
        for seed, (name, spec) in enumerate(case["tensors"].items(), 1):
            if name in case["outputs"]:
                self.tensors[name] = torch.empty(spec["shape"], dtype=DTYPES[spec["dtype"]], device=device)
            else:
                outliers = (c["outliers"]["fraction"], c["outliers"]["scale"])
                self.tensors[name] = data(spec["shape"], DTYPES[spec["dtype"]], device, seed, c["magnitude"], outliers)
        self.q, self.k, self.v = (self.view(self.tensors[n]) for n in "qkv")

    def view(self, t):
        return t if self.c["layout"] == "bhsd" else t.transpose(1, 2)

    def hidden(self, rows):
        """True where a query may not see a key: the mask stands at the bottom right."""
        c = self.c
        keys = torch.arange(c["keys"], device=self.q.device)
        return keys[None, :] > torch.tensor(rows, device=self.q.device)[:, None] + (c["keys"] - c["queries"])

    def peers(self):
        """(id, name, build) of each route; build answers the work, or raises why there is none."""
        from torch.nn.attention import SDPBackend
        return [("torch/cuDNN", "torch cuDNN", lambda: self.sdpa(SDPBackend.CUDNN_ATTENTION)),
                ("torch/flash", "torch flash", lambda: self.sdpa(SDPBackend.FLASH_ATTENTION)),
                ("flash-attn-4", "flash-attn-4", self.flash4),
                ("torch/efficient", "torch efficient", lambda: self.sdpa(SDPBackend.EFFICIENT_ATTENTION)),
                ("torch/naive", "torch naive", self.naive)]

    def sdpa(self, backend):
        from torch.nn.attention import sdpa_kernel
        c = self.c
        if c["causal"] and c["queries"] != c["keys"]:
            raise NotImplementedError("PyTorch aligns its causal mask top left")
        options = dict(is_causal=c["causal"], scale=c["scale"])
        if c["heads"] != c["keyHeads"]:
            options["enable_gqa"] = True

        def work():
            with sdpa_kernel(backend):
                return F.scaled_dot_product_attention(self.q, self.k, self.v, **options)
        return work

    def flash4(self):
        from flash_attn.cute import flash_attn_func
        # [batch, row, head, dim] is its own layout: it gets dense copies, made before anything is timed.
        q, k, v = (t.transpose(1, 2).contiguous() for t in (self.q, self.k, self.v))

        def work():
            out = flash_attn_func(q, k, v, softmax_scale=self.c["scale"], causal=self.c["causal"])
            return (out[0] if isinstance(out, (tuple, list)) else out).transpose(1, 2)
        return work

    def naive(self):
        c = self.c
        scores = c["batch"] * c["heads"] * c["queries"] * c["keys"] * self.q.element_size()
        room = torch.cuda.get_device_properties(0).total_memory
        if 3 * scores > 0.85 * room:
            raise MemoryError(f"its scores take {scores / 1e9:.1f} GB, three times over")
        group = c["heads"] // c["keyHeads"]
        q = self.q.unflatten(1, (c["keyHeads"], group)) if group > 1 else self.q
        k, v = (t.unsqueeze(2) if group > 1 else t for t in (self.k, self.v))
        mask = self.hidden(list(range(c["queries"]))) if c["causal"] else None

        def work():
            weights = (q @ k.transpose(-1, -2)) * c["scale"]
            if mask is not None:
                weights = weights.masked_fill(mask, float("-inf"))
            out = torch.softmax(weights, -1) @ v
            return out.flatten(1, 2) if group > 1 else out
        return work

    def check(self, contender):
        """Rows of a few heads against float64, by the bound of the lab's own check."""
        c, eps = self.c, EPSILON[self.dtype]
        score = 2.0 ** (-22 if self.dtype == torch.float32 else -20)
        naive = contender.id == "torch/naive"
        errors = Errors(f"{SLACK:g} x ({eps:g} x (|out| + sum p|v|) + {score:g} x (8 + max sum |q k| scale) x sum p|v|)"
                        + (f", and {2 * eps:g} x max |score| more for scores rounded to {self.dtype}" if naive else ""))
        outs = contender.outputs()
        out = self.view(outs["out"]) if contender.ours else outs["out"]
        for name, tensor in outs.items():
            errors.whole(name, tensor)
        rows = spread(c["queries"], max(1, 2 ** 21 // c["keys"]))
        hidden = self.hidden(rows) if c["causal"] else None
        lse_errors = Errors("")
        for head in spread(c["batch"] * c["heads"], 4):
            b, h = divmod(head, c["heads"])
            q = self.q[b, h, rows].double()
            k, v = (t[b, h // (c["heads"] // c["keyHeads"])].double() for t in (self.k, self.v))
            scores, terms = q @ k.T * c["scale"], q.abs() @ k.abs().T * c["scale"]
            if hidden is not None:
                scores, terms = scores.masked_fill(hidden, float("-inf")), terms.masked_fill(hidden, 0)
            lse = torch.logsumexp(scores, -1)
            p = torch.exp(scores - lse[:, None]).nan_to_num(0)
            want, magnitude = p @ v, p @ v.abs()
            most = 8 + terms.amax(-1, keepdim=True)
            bound = eps * (want.abs() + magnitude) + score * most * magnitude
            if self.dtype == torch.float16:
                # Weights below the smallest normal half keep an absolute step of 2^-25.
                bound = bound + 2.0 ** -24 + 2.0 ** -25 * v.abs().sum(0)
            bound = SLACK * bound
            if naive:
                largest = scores.masked_fill(scores.isinf(), 0).abs().amax(-1, keepdim=True)
                bound = bound + 2 * eps * largest * magnitude
            errors.add(f"head {head}", out[b, h, rows], want, bound)
            if "lse" in outs:
                got = outs["lse"][b, h, rows].double()
                seen = torch.isfinite(lse)
                limit = SLACK * (2.0 ** -20 * (8 + lse.abs()) + score * most[:, 0])
                lse_errors.add(f"lse of head {head}", got[seen], lse[seen], limit[seen])
        record = errors.record()
        if record["mismatch"] is None and lse_errors.mismatch is not None:
            record.update(passed=False, mismatch=lse_errors.mismatch)
        return record
