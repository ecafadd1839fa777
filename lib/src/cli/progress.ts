import { SingleBar } from "cli-progress";

/** Progress of one command, on stderr of a terminal; where output is piped it says nothing. */
export interface Progress {
  /** What is being done now, how much is done, and of how much. */
  readonly update: (what: string, done: number, total: number) => void;
  /** Wipes the bar. */
  readonly end: () => void;
}

const blocks = 24;
let shown: Progress | null = null;

/**
 * A bar with the remaining time.
 *
 * @example
 * const bar = progressBar();
 * try { await runSuite(device, "softmax", bar.update); } finally { bar.end(); }
 */
export function progressBar(stream: NodeJS.WriteStream = process.stderr): Progress {
  endProgress();
  let bar: SingleBar | null = null;
  const began = performance.now();
  const update = (what: string, done: number, total: number) => {
    if (!stream.isTTY) return;
    const payload = { what };
    if (!bar) {
      bar = new SingleBar({
        stream,
        clearOnComplete: true,
        hideCursor: false,
        linewrap: true,
        format: (_, { value, total: all }, { what: now }) =>
          barLine(now as string, value, all, (performance.now() - began) / 1000, stream.columns ?? 80),
      });
      bar.start(total, done, payload);
    } else {
      bar.setTotal(total);
      bar.update(done, payload);
    }
  };
  const end = () => {
    bar?.stop();
    bar = null;
    if (shown === progress) shown = null;
  };
  const progress = { update, end };
  shown = progress;
  return progress;
}

/** One line of text in place of a bar, where the number of steps is not known. */
export function progressLine(text: string): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\u001b[2K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
}

/** Wipes whatever progress stands on the terminal. */
export function endProgress(): void {
  shown?.end();
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[2K");
}

/**
 * A bar as text, no wider than the terminal: share done, count, time left by the pace so far, and what is running.
 *
 * @param elapsed seconds since the start
 */
export function barLine(what: string, done: number, total: number, elapsed: number, columns: number): string {
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const filled = Math.round(share * blocks);
  const bar = "█".repeat(filled) + "░".repeat(blocks - filled);
  const left = done > 0 && done < total ? ` ${remaining((elapsed / done) * (total - done))} left` : "";
  return `${bar} ${done}/${total}${left}  ${what}`.slice(0, Math.max(8, columns - 1));
}

/** A time to wait, in whole units: "under 1 s", "42 s", "3 min 20 s", "2 h 5 min". */
export function remaining(seconds: number): string {
  if (seconds < 1) return "under 1 s";
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
