import { type Argument, type Command, Argument as CommandArgument, type Option } from "commander";
import { homePath } from "../core/paths";
import { type Candidate, filesWanted, values } from "./completionValues";

/** `lab completion <shell>`: the script that a shell reads once. */
export function addCompletion(lab: Command): void {
  lab
    .command("completion")
    .description("print the completion script of a shell")
    .addArgument(new CommandArgument("<shell>", "which shell").choices(["bash", "zsh"]))
    .addHelpText(
      "after",
      '\nExamples:\n  eval "$(lab completion bash)"              # in ~/.bashrc\n  eval "$(lab completion zsh)"               # in ~/.zshrc, after compinit',
    )
    .action((shell: "bash" | "zsh", options: { json?: boolean }) => {
      const script = completionScript(shell);
      process.stdout.write(options.json ? `${JSON.stringify({ shell, script }, null, 2)}\n` : script);
    });
}

/** The script of a shell: it asks this very copy of the lab for candidates, one a line, a tab before what they are. */
export function completionScript(shell: "bash" | "zsh"): string {
  const ask = `${[process.execPath, homePath("lib", "bin", "lab.js")].map(quoted).join(" ")} __complete`;
  return shell === "bash" ? bashScript(ask) : zshScript(ask);
}

/** Prints the candidates for the last word: what the scripts call. */
export function complete(lab: Command, words: readonly string[]): void {
  const found = candidates(lab, words);
  process.stdout.write(found.map(({ value, about }) => `${value}\t${about}\n`).join(""));
}

/**
 * What may stand in place of the last word of a command line, which may be unfinished.
 *
 * @param words what follows `lab`, the last one as far as it is typed
 */
export function candidates(lab: Command, words: readonly string[]): Candidate[] {
  const typed = [...words];
  const current = unquoted(typed.pop() ?? "");
  let command = lab;
  let position = 0;
  let awaited: Option | null = null;
  const given = new Set<string>();
  for (const word of typed) {
    // Bash splits --device=cpu in three.
    if (word === "=") continue;
    if (awaited) {
      awaited = awaited.variadic && !word.startsWith("-") ? awaited : null;
      if (!word.startsWith("-")) continue;
    }
    const child = command.commands.find((c) => c.name() === word);
    if (word.startsWith("-")) {
      const option = command.options.find((o) => o.long === word.split("=")[0] || o.short === word);
      given.add(option?.long ?? word);
      awaited = option && takesValue(option) && !word.includes("=") ? option : null;
    } else if (child) {
      command = child;
      position = 0;
    } else position++;
  }
  if (current.startsWith("-")) return begun(optionsOf(command, given), current);
  if (awaited) return begun(valuesOf(awaited), current === "=" ? "" : current);
  const children = command.commands.map((c) => ({ value: c.name(), about: c.description() }));
  const declared = command.registeredArguments;
  const argument = declared[position] ?? (declared.at(-1)?.variadic ? declared.at(-1) : undefined);
  return begun([...children, ...(argument ? valuesOf(argument) : [])], current);
}

function begun(all: readonly Candidate[], current: string): Candidate[] {
  return all.filter(({ value }) => value === filesWanted || value.startsWith(current));
}

function optionsOf(command: Command, given: ReadonlySet<string>): Candidate[] {
  return [
    ...command.options
      .filter((o) => o.long && !o.hidden && (o.variadic || !given.has(o.long)))
      .map((o) => ({ value: o.long!, about: o.description })),
    { value: "--help", about: "what the command does, with examples" },
  ];
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

/** Declared choices, else what the name in the brackets stands for, which also knows what each choice is. */
function valuesOf(target: Argument | Option): Candidate[] {
  const name = "flags" in target ? /[<[]([\w-]+)/.exec(target.flags)?.[1] : target.name();
  const known = values[name ?? ""]?.() ?? [];
  if (!target.argChoices) return known;
  return target.argChoices.map((value) => known.find((k) => k.value === value) ?? { value, about: "" });
}

function unquoted(word: string): string {
  return word.replace(/^["']/, "").replace(/\\(.)/g, "$1");
}

function quoted(word: string): string {
  return `'${word.replace(/'/g, "'\\''")}'`;
}

function bashScript(ask: string): string {
  return `# bash completion of lab: eval "$(lab completion bash)"
_lab() {
  local line value
  COMPREPLY=()
  while IFS= read -r line; do
    value=\${line%%$'\\t'*}
    if [ "$value" = ${filesWanted} ]; then
      compopt -o default 2>/dev/null
    else
      printf -v value %q "$value"
      COMPREPLY+=("$value")
    fi
  done < <(${ask} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _lab lab
`;
}

function zshScript(ask: string): string {
  return `#compdef lab
# zsh completion of lab: eval "$(lab completion zsh)", after compinit
_lab() {
  local line
  local -a found
  while IFS= read -r line; do
    if [[ "\${line%%$'\\t'*}" == ${filesWanted} ]]; then
      _files
    else
      found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done < <(${ask} "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe 'lab' found
}
compdef _lab lab
`;
}
