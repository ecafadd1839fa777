/** Every environment switch of the lab, in one table; the README's table is this one. */
export const switches = {
  KERNEL_LAB_HOME: "Folder that holds kernels/, data/ and results/; default: found above the package.",
  KERNEL_LAB_CACHE: "Folder of compiled kernels; default $XDG_CACHE_HOME/kernel-lab or ~/.cache/kernel-lab.",
  KERNEL_LAB_DEVICE: 'Which device lab.open() picks: "auto" (default), "cpu" or "cuda".',
  KERNEL_LAB_ISOLATED: '"0" runs the device inside the calling process instead of a process of its own.',
  KERNEL_LAB_COUNTERS:
    "\"1\" makes every measurement read counters too: ncu's on a GPU, the lens's on the CPU device.",
  KERNEL_LAB_WORKERS: "Worker threads of the CPU device; default: all cores.",
  KERNEL_LAB_CUDA_PATH:
    "Folders, separated by colons, to look in for NVRTC and its headers before the usual ones.",
  KERNEL_LAB_STACK: '"1" prints the stack of an error that is a fault of the lab itself.',
  CUDA_HOME: "A CUDA toolkit; CUDA_PATH is read too.",
  VIRTUAL_ENV: "A Python environment whose nvidia/* packages may hold NVRTC.",
  CXX: "The C++ compiler of the CPU device and of the addon; default: the newest g++ or clang++ on PATH.",
} as const;

/** Name of an environment switch. */
export type Switch = keyof typeof switches;

/** The value of a switch, or undefined when it is unset or empty. */
export function env(name: Switch): string | undefined {
  return process.env[name] || undefined;
}
