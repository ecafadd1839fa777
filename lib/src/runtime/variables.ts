/** Names of `__device__` and `__constant__` variables in a source text; some may be left out by the preprocessor. */
export function variableNames(source: string): string[] {
  const text = source.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, " ");
  const declared = /\b__(?:device|constant)__\b([^;{}()=]*?)(\w+)\s*(?:\[[^\]]*\]\s*)*(?:=|;|\{)/g;
  const names = [...text.matchAll(declared)]
    .filter(([, type]) => /\S/.test(type!))
    .map(([, , name]) => name!);
  return [...new Set(names)];
}
