import type { KernelAttributes, ModuleImage } from "./contract";

/** A module as loaded in one generation of the device; reloaded by itself after the device was lost. */
export interface LoadedModule {
  readonly id: number;
  readonly image: ModuleImage;
  /** Attributes with the kernel handles of `generation`. */
  attributes: KernelAttributes[];
  /** 0 when it could not be loaded again. */
  generation: number;
}

/** The modules still in use; `collected` is told of each that nobody holds any more. */
export class Modules {
  readonly #modules = new Map<number, WeakRef<LoadedModule>>();
  readonly #registry: FinalizationRegistry<number>;

  constructor(collected: (id: number) => void) {
    this.#registry = new FinalizationRegistry((id) => {
      if (this.#modules.delete(id)) collected(id);
    });
  }

  add(module: LoadedModule): void {
    this.#modules.set(module.id, new WeakRef(module));
    this.#registry.register(module, module.id);
  }

  /** Forgets a module that is unloaded on purpose. */
  delete(id: number): void {
    this.#modules.delete(id);
  }

  live(): LoadedModule[] {
    return [...this.#modules.values()]
      .map((reference) => reference.deref())
      .filter((module) => module !== undefined);
  }
}
