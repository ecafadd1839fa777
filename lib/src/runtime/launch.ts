import type { DeviceInfo, Dim3, KernelAttributes } from "../backend/contract";
import { describeValue, LabError } from "../core/error";
import type { Stream } from "./stream";

/** One to three extents, x first. */
export type Extents = number | readonly number[];

/** How a kernel is launched. */
export interface LaunchConfig {
  /** Blocks. */
  readonly grid: Extents;
  /** Threads a block. */
  readonly block: Extents;
  /** Dynamic shared memory in bytes. */
  readonly shared?: number;
  readonly stream?: Stream;
  /** Blocks a cluster. */
  readonly cluster?: Extents;
  /** All blocks resident at once, so that grid.sync() works. */
  readonly cooperative?: boolean;
  /** Programmatic dependent launch: may start before the kernel before it has ended. */
  readonly programmatic?: boolean;
}

/** A configuration checked against the device's limits. */
export interface CheckedLaunch {
  readonly grid: Dim3;
  readonly block: Dim3;
  readonly cluster: Dim3 | null;
  readonly shared: number;
}

const axes = ["x", "y", "z"];

function invalid(kernel: string, what: string, advice: string): LabError {
  return new LabError("invalid-launch", `Cannot launch ${kernel}: ${what}.`, { advice, kernel });
}

function dim3(kernel: string, what: string, extents: Extents, limits: Dim3): Dim3 {
  const given = typeof extents === "number" ? [extents] : extents;
  if (!Array.isArray(given) || given.length < 1 || given.length > 3) {
    throw invalid(
      kernel,
      `expected ${what} to be a number or up to three but received ${describeValue(extents)}`,
      "Write it as 64 or [64, 8].",
    );
  }
  for (let axis = 0; axis < given.length; axis++) {
    const extent: unknown = given[axis];
    if (typeof extent !== "number" || !Number.isInteger(extent) || extent < 1 || extent > limits[axis]!) {
      throw invalid(
        kernel,
        `expected ${what}.${axes[axis]} from 1 to ${limits[axis]} but received ${describeValue(extent)}`,
        what === "grid"
          ? "Use lab.ceilDiv(n, block) for a grid that covers n, and skip the launch where n is 0."
          : "Choose fewer threads a block and more blocks.",
      );
    }
  }
  return [given[0]!, given[1] ?? 1, given[2] ?? 1];
}

/** Checks a launch configuration before anything is enqueued; throws "invalid-launch". */
export function checkLaunch(
  name: string,
  config: LaunchConfig,
  info: DeviceInfo,
  attributes: KernelAttributes,
): CheckedLaunch {
  if (typeof config !== "object" || config === null) {
    throw invalid(
      name,
      `expected { grid, block } before its arguments but received ${describeValue(config)}`,
      "Write launch({ grid: lab.ceilDiv(n, 256), block: 256 }, ...arguments).",
    );
  }
  const grid = dim3(name, "grid", config.grid, info.maxGridDim);
  const block = dim3(name, "block", config.block, info.maxBlockDim);
  const threads = block[0] * block[1] * block[2];
  const most = Math.min(info.maxThreadsPerBlock, attributes.maxThreadsPerBlock);
  if (threads > most) {
    throw invalid(
      name,
      `a block of ${block.join(" x ")} has ${threads} threads and the limit is ${most}`,
      most < info.maxThreadsPerBlock
        ? "The kernel's __launch_bounds__ or its registers set the limit."
        : "Choose fewer threads a block and more blocks.",
    );
  }
  const shared = config.shared ?? 0;
  const room = info.sharedPerBlockOptin - attributes.staticShared;
  if (!Number.isInteger(shared) || shared < 0 || shared > room) {
    throw invalid(
      name,
      `expected dynamic shared memory from 0 to ${room} bytes but received ${describeValue(shared)}`,
      `A block has ${info.sharedPerBlockOptin} bytes, of which the kernel declares ${attributes.staticShared} itself.`,
    );
  }
  return {
    grid,
    block,
    shared,
    cluster: config.cluster === undefined ? null : cluster(name, config.cluster, grid, info),
  };
}

function cluster(name: string, extents: Extents, grid: Dim3, info: DeviceInfo): Dim3 {
  const size = dim3(name, "cluster", extents, [16, 16, 16]);
  if (!info.clusters)
    throw invalid(name, `${info.name} has no thread block clusters`, "Clusters need compute capability 9.0.");
  if (grid.some((extent, axis) => extent % size[axis]! !== 0) || size[0] * size[1] * size[2] > 16) {
    throw invalid(
      name,
      `a grid of ${grid.join(" x ")} does not divide into clusters of ${size.join(" x ")}`,
      "Each extent of the grid must be a multiple of the cluster's, of at most 16 blocks (8 portable).",
    );
  }
  return size;
}
