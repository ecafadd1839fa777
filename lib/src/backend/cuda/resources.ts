import { readFileSync } from "node:fs";

/** What one kernel of a CUBIN uses of a multiprocessor. */
export interface ResourceUse {
  /** Registers a thread. */
  readonly registers: number;
  /** Static shared memory of a block, bytes. */
  readonly staticShared: number;
  /** Stack frame of a thread in local memory, bytes: local arrays and spilled registers. */
  readonly stackBytes: number;
}

// Attributes of .nv.info as the CUDA binary utilities print them: EIATTR_REGCOUNT, EIATTR_FRAME_SIZE.
const attributeRegisters = 0x2f;
const attributeFrame = 0x11;
const formatSized = 4;

interface Section {
  readonly name: string;
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
}

/** Reads registers, shared memory and stack of every function of a CUBIN, by symbol, from its ELF sections. */
export function readResources(path: string): Map<string, ResourceUse> {
  const file = readFileSync(path);
  const sections = readSections(file);
  const symbols = symbolNames(file, sections);
  const registers = new Map<string, number>();
  const frames = new Map<string, number>();
  const info = sections.find((section) => section.name === ".nv.info");
  for (const [attribute, symbol, value] of info ? attributesOf(file, info) : []) {
    const name = symbols[symbol];
    if (name === undefined) continue;
    if (attribute === attributeRegisters) registers.set(name, value);
    if (attribute === attributeFrame) frames.set(name, value);
  }
  const uses = new Map<string, ResourceUse>();
  for (const section of sections) {
    if (!section.name.startsWith(".text.")) continue;
    const name = section.name.slice(".text.".length);
    const shared = sections.find((other) => other.name === `.nv.shared.${name}`);
    uses.set(name, {
      // Older CUBINs keep the count in the top byte of the section's info only.
      registers: registers.get(name) ?? section.info >>> 24,
      staticShared: shared?.size ?? 0,
      stackBytes: frames.get(name) ?? 0,
    });
  }
  return uses;
}

function readSections(file: Buffer): Section[] {
  const start = Number(file.readBigUInt64LE(0x28));
  const entry = file.readUInt16LE(0x3a);
  const count = file.readUInt16LE(0x3c);
  const names = file.readUInt16LE(0x3e);
  const raw = Array.from({ length: count }, (_, i) => {
    const at = start + i * entry;
    return {
      nameAt: file.readUInt32LE(at),
      type: file.readUInt32LE(at + 4),
      offset: Number(file.readBigUInt64LE(at + 24)),
      size: Number(file.readBigUInt64LE(at + 32)),
      link: file.readUInt32LE(at + 40),
      info: file.readUInt32LE(at + 44),
    };
  });
  const table = raw[names]!.offset;
  return raw.map((section) => ({ ...section, name: text(file, table + section.nameAt) }));
}

function text(file: Buffer, at: number): string {
  return file.toString("latin1", at, file.indexOf(0, at));
}

function symbolNames(file: Buffer, sections: readonly Section[]): string[] {
  const table = sections.find((section) => section.name === ".symtab");
  if (!table) return [];
  const strings = sections[table.link]!.offset;
  return Array.from({ length: table.size / 24 }, (_, i) =>
    text(file, strings + file.readUInt32LE(table.offset + 24 * i)),
  );
}

/** Entries [attribute, symbol, value] of a global .nv.info section. */
function* attributesOf(file: Buffer, info: Section): Generator<[number, number, number]> {
  for (let at = info.offset; at + 4 <= info.offset + info.size; ) {
    const format = file[at]!;
    const attribute = file[at + 1]!;
    const size = file.readUInt16LE(at + 2);
    if (format !== formatSized) {
      at += 4;
      continue;
    }
    if (size >= 8) yield [attribute, file.readUInt32LE(at + 4), file.readUInt32LE(at + 8)];
    at += 4 + size;
  }
}
