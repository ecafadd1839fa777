import type { Instruction, MachineFunction } from "./binutils";
import { isOperation, type Operations, operationsOf, type TensorWork, tensorWork } from "./operations";

/** Arithmetic of one instruction, at its address. */
export interface CountedInstruction {
  readonly address: number;
  readonly operations: Operations;
  readonly tensor: TensorWork | null;
}

/** A basic block as the instrumentation marks it. */
export interface CodeBlock {
  /** The program counter its executions are told with. */
  readonly pc: number;
  readonly counted: readonly CountedInstruction[];
  /** Address of the conditional jump that ends it; null when it has one way on. */
  readonly branch: number | null;
}

const mark = "__sanitizer_cov_trace_pc";

/** The marked basic blocks of a module's functions, by program counter. */
export function codeBlocks(functions: readonly MachineFunction[]): Map<number, CodeBlock> {
  const blocks = new Map<number, CodeBlock>();
  for (const { name, instructions } of functions) {
    if (isOperation(name)) continue;
    let members: Instruction[] | null = null;
    for (const [index, instruction] of instructions.entries()) {
      const next = instructions[index + 1];
      if (instruction.callee === mark && next) {
        close(blocks, members);
        members = [];
      }
      members?.push(instruction);
    }
    close(blocks, members);
  }
  return blocks;
}

/** `members` begin with the call that marks the block. */
function close(blocks: Map<number, CodeBlock>, members: readonly Instruction[] | null): void {
  if (!members || members.length < 2) return;
  const counted: CountedInstruction[] = [];
  let branch: number | null = null;
  for (const instruction of members.slice(1)) {
    const operations = operationsOf(instruction);
    const tensor = instruction.callee ? tensorWork(instruction.callee) : null;
    if (operations || tensor)
      counted.push({ address: instruction.address, operations: operations ?? {}, tensor });
    if (isConditionalJump(instruction.mnemonic)) branch = instruction.address;
  }
  blocks.set(members[1]!.address, { pc: members[1]!.address, counted, branch });
}

function isConditionalJump(mnemonic: string): boolean {
  return /^j(?!mp)\w+$/.test(mnemonic) || /^(?:b\.\w+|cbn?z|tbn?z)$/.test(mnemonic);
}
