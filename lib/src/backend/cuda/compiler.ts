import { LabError } from "../../core/error";
import { exitError, plainError } from "../fault";
import { LabProcess } from "../process";
import type { NativeFailure } from "../protocol";

/** NVRTC's answer. */
export interface NvrtcAnswer {
  readonly ok: boolean;
  readonly log: string;
  readonly cubin?: Uint8Array;
  readonly ptx?: Uint8Array;
  readonly loweredNames: Readonly<Record<string, string>>;
}

let running: LabProcess | null = null;
let waiting = 0;

/** The compiler process, started at its first use; a new one after it died. */
function compiler(): LabProcess {
  if (running) return running;
  const started = new LabProcess(
    { role: "compiler" },
    {
      message: () => {},
      exit: (exit) => {
        if (running === started) running = null;
        started.rejectAll(
          new LabError("compiler-crashed", `The CUDA compiler's process ended: ${exitError(exit).what}`, {
            advice: "The notebook and its device live on; change the kernel and compile again.",
          }),
        );
      },
    },
  );
  started.opened().catch(() => {});
  running = started;
  return started;
}

/** Calls an addon function in the compiler process, which a compiler crash may end without harm. */
export async function callCompiler<T>(method: string, args: readonly unknown[]): Promise<T> {
  const to = compiler();
  if (waiting++ === 0) to.hold(true);
  try {
    return (await to.call(method, args)) as T;
  } catch (error) {
    throw error instanceof LabError ? error : plainError(error as NativeFailure);
  } finally {
    if (--waiting === 0) to.hold(false);
  }
}
