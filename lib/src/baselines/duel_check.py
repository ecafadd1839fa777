"""Errors of a duel's outputs against float64, by the bounds of the lab's own checks (lib/src/ops)."""

import torch

EPSILON = {torch.float16: 2.0 ** -10, torch.bfloat16: 2.0 ** -7, torch.float32: 2.0 ** -23}


def spread(count, wanted):
    """At most `wanted` of `count` indices, the first and the last among them."""
    if wanted >= count:
        return list(range(count))
    if wanted <= 1:
        return [count - 1]
    return sorted({round(i * (count - 1) / (wanted - 1)) for i in range(wanted)})


class Errors:
    """Collects parts of an output beside their references and tolerances."""

    def __init__(self, rule):
        self.rule = rule
        self.parts = []
        self.mismatch = None

    def add(self, where, got, want, tolerance):
        got = got.double()
        wrong = ~((got - want).abs() <= tolerance)
        if self.mismatch is None and bool(wrong.any()):
            at = [int(x) for x in wrong.nonzero()[0]]
            cell = tuple(at)
            self.mismatch = (f"{where} at {at}: expected {want[cell].item():.6g}, received {got[cell].item():.6g}, "
                             f"{int(wrong.sum())} of {wrong.numel()} outside the tolerance")
        self.parts.append(((got - want).flatten(), want.flatten()))

    def whole(self, name, output):
        """Nothing of an output may be NaN: it was filled with NaN before."""
        holes = int(torch.isnan(output).sum())
        if holes and self.mismatch is None:
            self.mismatch = f"{name} holds {holes} NaN of {output.numel()} values"

    def record(self):
        error = torch.cat([e for e, _ in self.parts])
        want = torch.cat([w for _, w in self.parts])
        size = error.abs()
        rms = want.square().mean().sqrt()
        # A value near zero has no relative error to speak of.
        relative = size / want.abs().clamp_min(0.01 * rms.item() + 1e-300)
        number = lambda t: t.item() if bool(torch.isfinite(t)) else None
        return {"passed": self.mismatch is None, "compared": error.numel(), "maxAbs": number(size.max()),
                "meanAbs": number(size.mean()), "maxRel": number(relative.max()), "meanRel": number(relative.mean()),
                "rms": number(error.square().mean().sqrt() / rms.clamp_min(1e-300)),
                "tolerance": self.rule, "mismatch": self.mismatch}
