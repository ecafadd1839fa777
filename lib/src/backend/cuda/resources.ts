/** What one kernel uses of a multiprocessor, as ptxas reports it. */
export interface ResourceUse {
  /** Registers a thread. */
  readonly registers: number;
  /** Static shared memory of a block, bytes. */
  readonly staticShared: number;
  /** Stack frame of a thread in local memory, bytes: local arrays and spilled registers. */
  readonly stackBytes: number;
  /** Bytes stored and loaded a thread because registers ran out. */
  readonly spillStores: number;
  readonly spillLoads: number;
  /** Named barriers of a block. */
  readonly barriers: number;
}

/** Reads ptxas's verbose log: resource use by symbol. */
export function readResources(log: string): Map<string, ResourceUse> {
  const uses = new Map<string, ResourceUse>();
  const parts = log.split(/Compiling entry function '/).slice(1);
  for (const part of parts) {
    const number = (pattern: RegExp): number => Number(part.match(pattern)?.[1] ?? 0);
    uses.set(part.slice(0, part.indexOf("'")), {
      registers: number(/Used (\d+) registers/),
      staticShared: number(/(\d+) bytes smem/),
      stackBytes: number(/(\d+) bytes stack frame/),
      spillStores: number(/(\d+) bytes spill stores/),
      spillLoads: number(/(\d+) bytes spill loads/),
      barriers: number(/used (\d+) barriers/),
    });
  }
  return uses;
}
