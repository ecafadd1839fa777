"""The clock of a duel: contenders in turns, each sample alone behind an overwritten L2 cache."""

import time

import torch

WARM_SECONDS = 0.15
GROUP = 5  # rounds enqueued between two looks at the host's clock


class Contender:
    """Something to time: `run()` enqueues it and keeps its outputs, `poison()` leaves nothing of them behind."""

    def __init__(self, id, name, ours):
        self.id, self.name, self.ours = id, name, ours
        self.lead = 0.0

    def outputs(self):
        raise NotImplementedError


class Ours(Contender):
    """A replay folder bound to the case's inputs, with outputs and scratch of its own."""

    def __init__(self, driver, entry, folder, tensors, outputs, device):
        super().__init__(entry["id"], entry["id"], True)
        self.outs = {name: torch.empty_like(tensors[name]) for name in outputs}
        self.scratch = {}
        self.extra = sum(t.nbytes for t in self.outs.values())

        def address_of(buffer):
            name = buffer["name"]
            if name in self.outs:
                held = self.outs[name]
            elif name in tensors:
                held = tensors[name]
            else:
                held = torch.zeros(buffer["bytes"], dtype=torch.uint8, device=device)
                self.scratch[name] = held
                self.extra += held.nbytes
            if held.nbytes < buffer["bytes"]:
                raise ValueError(f"{name} takes {buffer['bytes']} bytes, the tensor has {held.nbytes}")
            return held.data_ptr()

        from duel_launch import Work
        # Held by this object: nothing that a launch points to may go before the launch has run.
        self.inputs = tensors
        self.work = Work(driver, folder, address_of)

    def run(self):
        self.work(torch.cuda.current_stream().cuda_stream)

    def poison(self):
        for out in self.outs.values():
            out.fill_(float("nan") if out.is_floating_point() else -1)

    def outputs(self):
        return self.outs

    def extra_bytes(self):
        self.run()
        torch.cuda.synchronize()
        return self.extra


class Peer(Contender):
    """One of PyTorch's routes: a function that answers its output."""

    def __init__(self, id, name, work):
        super().__init__(id, name, False)
        self.work = work
        self.out = None

    def run(self):
        self.out = self.work()

    def poison(self):
        # The allocator hands the same memory out again: what was not written afterwards is NaN.
        if self.out is not None:
            self.out.fill_(float("nan"))
            self.out = None

    def outputs(self):
        return {"out": self.out}

    def extra_bytes(self):
        """Peak memory of a run beyond what lies there already: its output, and what it needs on the way."""
        self.out = None
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        self.run()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before


class Clock:
    """Times contenders on one device by events."""

    def __init__(self, driver, sensors, l2_bytes):
        l2_bytes = max(l2_bytes, torch.cuda.get_device_properties(0).L2_cache_size)
        self.driver, self.sensors = driver, sensors
        self.flush = torch.empty(2 * l2_bytes, dtype=torch.uint8, device="cuda")
        # Cycles of torch.cuda._sleep in a second, at most: a longer wait does no harm.
        self.cycles = 2.0e9
        self.persisting = True
        self.warmup = 0
        self.overhead = self.empty_events()

    def empty_events(self):
        times = []
        for _ in range(21):
            self.flush.zero_()
            pair = self.events()
            pair[0].record()
            pair[1].record()
            times.append(pair)
        torch.cuda.synchronize()
        return sorted(a.elapsed_time(b) * 1e-3 for a, b in times)[10]

    @staticmethod
    def events():
        return torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

    def sample(self, contender):
        contender.poison()
        self.persisting = self.driver.reset_persisting() and self.persisting
        # The GPU waits until the host has enqueued the work: no sample holds the host's time.
        torch.cuda._sleep(int(contender.lead * self.cycles))
        self.flush.zero_()
        start, end = self.events()
        start.record()
        contender.run()
        end.record()
        return start, end

    def warm(self, contenders):
        """Raises the clocks, and learns how long the host takes for each contender."""
        for contender in contenders:
            hosts = []
            for _ in range(3):
                torch.cuda.synchronize()
                began = time.perf_counter()
                contender.run()
                hosts.append(time.perf_counter() - began)
            contender.lead = min(3e-3, 1.5 * sorted(hosts)[1] + 50e-6)
        torch.cuda.synchronize()
        began = time.monotonic()
        self.warmup = 3
        while True:
            for contender in contenders:
                self.sample(contender)
            torch.cuda.synchronize()
            self.warmup += 1
            if self.warmup >= 5 and time.monotonic() - began > WARM_SECONDS:
                return

    def duel(self, contenders, rounds, fewest, seconds):
        """Samples of each in seconds, sample i of all side by side, and the sensors' readings."""
        self.warm(contenders)
        pairs = [[] for _ in contenders]
        with self.sensors.watching() as state:
            began = time.monotonic()
            for i in range(rounds):
                # Each begins a round in its turn, so that none always follows the same one.
                for step in range(len(contenders)):
                    at = (i + step) % len(contenders)
                    pairs[at].append(self.sample(contenders[at]))
                if i % GROUP == GROUP - 1:
                    torch.cuda.synchronize()
                    if i + 1 >= fewest and time.monotonic() - began > seconds:
                        break
            torch.cuda.synchronize()
        return [[a.elapsed_time(b) * 1e-3 for a, b in series] for series in pairs], state
