"""The GPU's sensors through NVML, read by a thread beside the samples; no torch."""

import contextlib
import ctypes as C
import threading
import time

# The names of native/cuda/nvml.cc.
REASONS = {0x1: "gpu-idle", 0x2: "applications-clocks-setting", 0x4: "software-power-cap", 0x8: "hardware-slowdown",
           0x10: "sync-boost", 0x20: "software-thermal-slowdown", 0x40: "hardware-thermal-slowdown",
           0x80: "hardware-power-brake", 0x100: "display-clock-setting"}
SM_CLOCK, MEMORY_CLOCK, GPU_TEMPERATURE = 1, 2, 0


class Sensors:
    """Reads the sensors of the GPU at a place on the bus; nothing is read where NVML is missing."""

    def __init__(self, bus_id, library="libnvidia-ml.so.1"):
        self.device = C.c_void_p()
        try:
            self.nvml = C.CDLL(library)
            started = self.nvml.nvmlInit_v2() == 0
        except OSError:
            started = False
        self.found = started and self.nvml.nvmlDeviceGetHandleByPciBusId_v2(bus_id.encode(), C.byref(self.device)) == 0

    def value(self, name, *args, kind=C.c_uint):
        result = kind()
        call = getattr(self.nvml, name, None)
        return result.value if call and call(self.device, *args, C.byref(result)) == 0 else None

    def read(self, at):
        """One reading in the schema's units, `at` seconds after the samples began."""
        scaled = lambda value, factor: None if value is None else value * factor
        bits = self.value("nvmlDeviceGetCurrentClocksEventReasons", kind=C.c_ulonglong)
        if bits is None:
            bits = self.value("nvmlDeviceGetCurrentClocksThrottleReasons", kind=C.c_ulonglong)
        return {
            "at": max(0.0, at),
            "smClockHz": scaled(self.value("nvmlDeviceGetClockInfo", SM_CLOCK), 1e6),
            "memoryClockHz": scaled(self.value("nvmlDeviceGetClockInfo", MEMORY_CLOCK), 1e6),
            "temperatureC": self.value("nvmlDeviceGetTemperature", GPU_TEMPERATURE),
            "powerW": scaled(self.value("nvmlDeviceGetPowerUsage"), 1e-3),
            "powerLimitW": scaled(self.value("nvmlDeviceGetEnforcedPowerLimit"), 1e-3),
            "throttleReasons": None if bits is None else [name for bit, name in REASONS.items() if bits & bit],
        }

    @contextlib.contextmanager
    def watching(self, period=0.1):
        """Readings before, during and after what runs inside; the list is whole when it ends."""
        readings = []
        if not self.found:
            yield readings
            return
        began = time.monotonic()
        over = threading.Event()

        def watch():
            while not over.wait(period):
                readings.append(self.read(time.monotonic() - began))

        readings.append(self.read(0))
        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield readings
        finally:
            over.set()
            thread.join()
            readings.append(self.read(time.monotonic() - began))
