/** What both compile paths are asked for. */
export interface CompileRequest {
  readonly source: string;
  /** Name that messages show; line numbers are the source text's own. */
  readonly fileName: string;
  /** Kernel names or name expressions; empty for every `__global__` function that is not a template. */
  readonly names: readonly string[];
  /** True where nobody asked for `names`: they were read off the text, and the preprocessor may leave some out. */
  readonly namesFound?: boolean;
  readonly defines: Readonly<Record<string, string | number | boolean>>;
  /** Include folders, searched before the lab's own. */
  readonly includes: readonly string[];
  /** Extra compiler options, as the compiler spells them. */
  readonly options: readonly string[];
  /** CUDA architecture, "sm_90a". */
  readonly arch?: string;
}

/** A compiled module in the cache. */
export interface CompiledModule {
  readonly dir: string;
  /** The shared object or CUBIN. */
  readonly binary: string;
  readonly entries: ReadonlyArray<{ readonly name: string; readonly symbol: string }>;
  readonly log: string;
  readonly ptx?: string;
  readonly seconds: number;
  readonly cached: boolean;
  readonly compiler: string;
}
