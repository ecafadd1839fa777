import { SingleBar } from "cli-progress";

/**
 * Progress of one command, on stderr. Where that is no terminal it says nothing for a while; what takes longer then tells a
 * line now and again, so that a log shows that it lives.
 */
export interface Progress {
  /** What is being done now, how much is done, and of how much. */
  readonly update: (what: string, done: number, total: number) => void;
  /** Wipes the bar. */
  readonly end: () => void;
}

const blocks = 24;
/** Seconds of silence where stderr is piped: before the first line, and between two. */
const silence = { first: 30, between: 10 } as const;
let shown: Progress | null = null;

/**
 * A bar with the remaining time.
 *
 * @example
 * const bar = progressBar();
 * try { await runSuite(device, "softmax", bar.update); } finally { bar.end(); }
 */
export function progressBar(
  stream: NodeJS.WriteStream = process.stderr,
  now: () => number = () => performance.now() / 1000,
): Progress {
  endProgress();
  let bar: SingleBar | null = null;
  const began = now();
  let told: number | null = null;
  const update = (what: string, done: number, total: number) => {
    if (!stream.isTTY) {
      const at = now();
      if (at - (told ?? began) < (told === null ? silence.first : silence.between)) return;
      told = at;
      stream.write(`${countLine(what, done, total, at - began)}\n`);
      return;
    }
    const payload = { what };
    if (!bar) {
      // A terminal that does not know how wide it is says 0: docker's and script's do.
      const columns = () => stream.columns || 80;
      bar = new SingleBar({
        stream,
        clearOnComplete: true,
        hideCursor: false,
        linewrap: true,
        format: (_, { value, total: all }, { what: running }) =>
          barLine(running as string, value, all, now() - began, columns()),
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
  return `${bar} ${countLine(what, done, total, elapsed)}`.slice(0, Math.max(8, columns - 1));
}

/** Count, time left by the pace so far, and what is running. */
function countLine(what: string, done: number, total: number, elapsed: number): string {
  const left = done > 0 && done < total ? ` ${remaining((elapsed / done) * (total - done))} left` : "";
  return `${done}/${total}${left}  ${what}`;
}

/** A time to wait, in whole units: "under 1 s", "42 s", "3 min 20 s", "2 h 5 min". */
export function remaining(seconds: number): string {
  if (seconds < 1) return "under 1 s";
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
