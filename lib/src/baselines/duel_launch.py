"""Launches of the lab's compiled kernels from Python, through libcuda alone: no torch, and no GPU until `Driver()`.

A replay folder (lib/src/backend/replay.ts) holds packed argument blocks with holes for addresses and tensor maps. They
are filled for the memory they get here and stay as they are from then on: whoever launches keeps that memory alive.
"""

import base64
import ctypes as C
import json
import os
import struct

MAP_BYTES = 128
MAX_DYNAMIC_SHARED = 8  # CUfunction_attribute
NON_PORTABLE_CLUSTER = 14
COOPERATIVE, PROGRAMMATIC = 1, 2  # native/core/commands.h


def patched(launch, addresses, maps):
    """The argument block of a launch: addresses of buffers and encoded tensor maps where it has holes for them."""
    block = bytearray(base64.b64decode(launch["args"]))
    for patch in launch["patches"]:
        if patch["kind"] == "buffer":
            filling = struct.pack("<Q", addresses[patch["index"]] + patch["delta"])
        else:
            filling = bytes(maps[patch["index"]])
            if len(filling) != MAP_BYTES:
                raise ValueError(f"a tensor map has {MAP_BYTES} bytes, this one {len(filling)}")
        end = patch["offset"] + len(filling)
        if end > len(block):
            raise ValueError(f"a patch ends at byte {end} of {len(block)}")
        block[patch["offset"]:end] = filling
    return bytes(block)


def read_replay(folder):
    """The launches of a folder; those that need a module's variables are refused, as nothing here fills them."""
    with open(os.path.join(folder, "replay.json")) as file:
        replay = json.load(file)
    wanted = [b["variable"]["name"] for b in replay["buffers"] if b["variable"]]
    if wanted:
        raise ValueError(f"the kernels read variables of their module ({', '.join(wanted)}), which are not carried over")
    return replay


class Dim3(C.Structure):
    _fields_ = [("x", C.c_uint), ("y", C.c_uint), ("z", C.c_uint)]


class AttributeValue(C.Union):
    _fields_ = [("flag", C.c_int), ("dim", Dim3), ("bytes", C.c_char * 64)]


class Attribute(C.Structure):
    _fields_ = [("id", C.c_int), ("pad", C.c_char * 4), ("value", AttributeValue)]


class LaunchConfig(C.Structure):
    _fields_ = [("grid", Dim3), ("block", Dim3), ("shared", C.c_uint), ("stream", C.c_void_p),
                ("attributes", C.POINTER(Attribute)), ("count", C.c_uint)]


def attributes_of(launch):
    """What cuLaunchKernelEx is told beyond extents, as (id, value) pairs."""
    wanted = []
    if launch["flags"] & COOPERATIVE:
        wanted.append((2, 1))
    if launch["cluster"]:
        wanted.append((4, tuple(launch["cluster"])))
    if launch["flags"] & PROGRAMMATIC:
        wanted.append((6, 1))
    return wanted


class Driver:
    """The driver's calls on the current context, which torch has made."""

    def __init__(self, library="libcuda.so.1"):
        self.cuda = C.CDLL(library)
        self.cuda.cuLaunchKernelEx.argtypes = [C.POINTER(LaunchConfig), C.c_void_p, C.c_void_p, C.c_void_p]

    def check(self, result, doing):
        if result == 0:
            return
        name = C.c_char_p()
        self.cuda.cuGetErrorName(result, C.byref(name))
        raise RuntimeError(f"{doing}: {name.value.decode() if name.value else result}")

    def load(self, path):
        module = C.c_void_p()
        with open(path, "rb") as file:
            self.check(self.cuda.cuModuleLoadData(C.byref(module), file.read()), f"loading {os.path.basename(path)}")
        return module

    def function(self, module, symbol):
        found = C.c_void_p()
        self.check(self.cuda.cuModuleGetFunction(C.byref(found), module, symbol.encode()), f"finding {symbol}")
        return found

    def encode(self, m, address):
        """The 128 bytes of a tensor map over memory at `address`."""
        raw = (C.c_char * (MAP_BYTES + 64))()
        at = (C.addressof(raw) + 63) // 64 * 64
        rank = len(m["dims"])
        # A tensor of rank 1 has no strides; the array must not be empty all the same.
        strides = m["strides"] or [0]
        self.check(self.cuda.cuTensorMapEncodeTiled(
            C.c_void_p(at), m["dataType"], rank, C.c_void_p(address), (C.c_uint64 * rank)(*m["dims"]),
            (C.c_uint64 * len(strides))(*strides), (C.c_uint32 * rank)(*m["box"]),
            (C.c_uint32 * rank)(*m["elementStrides"]), m["interleave"], m["swizzle"], m["l2Promotion"], m["oobFill"],
        ), "encoding a tensor map")
        return C.string_at(at, MAP_BYTES)

    def reset_persisting(self):
        """Makes cache lines ordinary that kernels had asked to keep; False where the driver refuses."""
        return self.cuda.cuCtxResetPersistingL2Cache() == 0

    def bus_id(self):
        device, name = C.c_int(), C.create_string_buffer(32)
        self.check(self.cuda.cuCtxGetDevice(C.byref(device)), "asking for the device")
        self.check(self.cuda.cuDeviceGetPCIBusId(name, 32, device), "asking for the device's place")
        return name.value.decode()


class Launch:
    """One launch with everything it points to on the host."""

    def __init__(self, driver, function, launch, block):
        self.driver = driver
        self.function = function
        self.block = C.create_string_buffer(block, max(1, len(block)))
        self.size = C.c_size_t(len(block))
        self.extra = (C.c_void_p * 5)(1, C.addressof(self.block), 2, C.addressof(self.size), None)
        wanted = attributes_of(launch)
        self.attributes = (Attribute * max(1, len(wanted)))()
        for slot, (kind, value) in zip(self.attributes, wanted):
            slot.id = kind
            if isinstance(value, tuple):
                slot.value.dim = Dim3(*value)
            else:
                slot.value.flag = value
        self.config = LaunchConfig(Dim3(*launch["grid"]), Dim3(*launch["block"]), launch["dynamicShared"], None,
                                   C.cast(self.attributes, C.POINTER(Attribute)), len(wanted))
        cluster = launch["cluster"]
        if launch["dynamicShared"] > 0:
            driver.check(driver.cuda.cuFuncSetAttribute(function, MAX_DYNAMIC_SHARED, launch["dynamicShared"]),
                         "allowing the kernel its shared memory")
        if cluster and cluster[0] * cluster[1] * cluster[2] > 8:
            driver.check(driver.cuda.cuFuncSetAttribute(function, NON_PORTABLE_CLUSTER, 1), "allowing large clusters")

    def __call__(self, stream):
        self.config.stream = stream
        self.driver.check(self.driver.cuda.cuLaunchKernelEx(C.byref(self.config), self.function, None, self.extra),
                          "launching")


class Work:
    """The launches of a folder, bound to memory: `address_of(buffer)` tells where each of its buffers lies."""

    def __init__(self, driver, folder, address_of):
        replay = read_replay(folder)
        modules = [driver.load(os.path.join(folder, m["file"])) for m in replay["modules"]]
        addresses = [address_of(b) for b in replay["buffers"]]
        maps = [driver.encode(m, addresses[m["buffer"]] + m["offset"]) for m in replay["maps"]]
        self.launches = []
        for launch in replay["launches"]:
            symbol = replay["modules"][launch["module"]]["entries"][launch["entry"]]["symbol"]
            function = driver.function(modules[launch["module"]], symbol)
            self.launches.append(Launch(driver, function, launch, patched(launch, addresses, maps)))

    def __call__(self, stream):
        for launch in self.launches:
            launch(stream)
