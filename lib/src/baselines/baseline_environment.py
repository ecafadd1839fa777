"""What the machine is: device, sensors, versions; as the lab's schema keeps it."""

import datetime
import json
import os
import platform
import re
import subprocess
import time

import torch


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
