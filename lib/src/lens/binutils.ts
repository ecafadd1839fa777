import { execFile } from "node:child_process";
import { LabError } from "../core/error";

/** One frame of a place in a module: innermost first, what was inlined around it after. */
export interface Frame {
  readonly function: string;
  readonly file: string;
  readonly line: number;
}

interface Output {
  readonly missing: boolean;
  readonly text: string;
}

function run(tool: string, args: readonly string[], input: string): Promise<Output> {
  return new Promise((resolve) => {
    const child = execFile(tool, [...args], { maxBuffer: 1 << 29 }, (error, stdout) => {
      resolve({ missing: error !== null && stdout === "", text: stdout });
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

async function first(tools: readonly (readonly [string, readonly string[]])[], input: string, what: string) {
  for (const [tool, args] of tools) {
    const { missing, text } = await run(tool, args, input);
    if (!missing) return text;
  }
  throw new LabError(
    "no-symboliser",
    `The lens needs ${what}: tried ${tools.map(([tool]) => tool).join(", ")}.`,
    {
      advice: "Install binutils (apt-get install binutils); it comes with every g++. `lab doctor` checks it.",
    },
  );
}

const versions = ["", "-19", "-18", "-17", "-16", "-15", "-14"];

/** The inlined chain of source lines of each address of a module. Throws "no-symboliser". */
export async function framesOf(
  module: string,
  addresses: readonly number[],
): Promise<Map<number, readonly Frame[]>> {
  const found = new Map<number, Frame[]>();
  if (addresses.length === 0) return found;
  const llvm = ["--output-style=GNU", "-a", "-f", "-i", `--obj=${module}`];
  const text = await first(
    [
      ["addr2line", ["-a", "-f", "-i", "-C", "-e", module]],
      ...versions.map((version) => [`llvm-symbolizer${version}`, llvm] as const),
    ],
    `${addresses.map((address) => `0x${address.toString(16)}`).join("\n")}\n`,
    "a program that reads line tables",
  );
  let frames: Frame[] = [];
  let name = "";
  for (const row of text.split("\n")) {
    const address = /^0x([0-9a-f]+)(?::.*)?$/.exec(row);
    const place = /^(.*):(\d+|\?)(?: \(discriminator \d+\))?$/.exec(row);
    if (address) {
      frames = [];
      found.set(Number.parseInt(address[1]!, 16), frames);
      name = "";
    } else if (name && place) {
      if (place[2] !== "?" && place[2] !== "0")
        frames.push({ function: name, file: place[1]!, line: Number(place[2]) });
      name = "";
    } else {
      name = row;
    }
  }
  return found;
}

/** A machine instruction: its address, mnemonic and operands, and whom a call calls. */
export interface Instruction {
  readonly address: number;
  readonly mnemonic: string;
  readonly operands: string;
  readonly callee: string;
}

/** A function of a module and its instructions. */
export interface MachineFunction {
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

/** The functions of a module. Throws "no-symboliser". */
export async function disassemble(module: string): Promise<MachineFunction[]> {
  const args = ["-d", "-C", "--no-show-raw-insn", module];
  const text = await first(
    [["objdump", args], ...versions.map((version) => [`llvm-objdump${version}`, args] as const)],
    "",
    "a disassembler",
  );
  const functions: { name: string; instructions: Instruction[] }[] = [];
  for (const row of text.split("\n")) {
    const head = /^[0-9a-f]+ <(.+)>:$/.exec(row);
    if (head) {
      functions.push({ name: head[1]!, instructions: [] });
      continue;
    }
    const match = /^\s*([0-9a-f]+):\s+(?:(?:addr32|rex\.W|data16|cs|bnd|notrack|lock)\s+)*(\S+)\s*(.*)$/.exec(
      row,
    );
    if (!match) continue;
    const [, address, mnemonic, operands] = match;
    const called = /^(?:call|bl$)/.test(mnemonic!) ? /<([\s\S]*)>$/.exec(operands!)?.[1] : undefined;
    functions.at(-1)?.instructions.push({
      address: Number.parseInt(address!, 16),
      mnemonic: mnemonic!,
      operands: operands!,
      callee: called?.replace(/@(?:plt|GLIBC.*|Base.*|.*)$/, "").replace(/\+0x[0-9a-f]+$/, "") ?? "",
    });
  }
  return functions;
}
