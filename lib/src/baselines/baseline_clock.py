"""The clock: CUDA events, warm-up, the L2 cache overwritten before each sample."""

import time

import torch


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
