"""Statistics with the definitions, generator and seed of lib/src/record/statistics.ts, so that both give the same."""

import math

import torch


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
