/** Progress of long work: a line when a step starts and when it ends, and details in between. */
export interface Progress {
  start(step: string): void;
  /** A detail of the running step: shown in place on a terminal, and every ten seconds elsewhere. */
  detail(text: string): void;
  done(step: string): void;
  note(text: string): void;
}

const QUIET_INTERVAL = 10_000;

/** Elapsed time as 7.3 s or 4 min 12 s. */
export function elapsed(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  return seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** Progress on a stream; standard error by default, since standard output is for results. */
export function progressTo(stream: NodeJS.WriteStream = process.stderr): Progress {
  const beginning = Date.now();
  let stepStart = beginning;
  let lastDetail = 0;
  const clear = (): void => {
    if (stream.isTTY) stream.write('\r\u001b[K');
  };
  const line = (text: string): void => {
    clear();
    stream.write(`${text}\n`);
  };
  return {
    start(step) {
      stepStart = Date.now();
      lastDetail = stepStart;
      line(`    … ${step}`);
    },
    detail(text) {
      const now = Date.now();
      if (stream.isTTY) {
        if (now - lastDetail < 100) return;
        clear();
        stream.write(`      ${text}, ${elapsed(now - stepStart)}`.slice(0, (stream.columns || 80) - 1));
      } else {
        if (now - lastDetail < QUIET_INTERVAL) return;
        line(`      ${text}, ${elapsed(now - stepStart)}`);
      }
      lastDetail = now;
    },
    done(step) {
      const now = Date.now();
      line(`${elapsed(now - beginning).padStart(9)}  ${step}`);
      stepStart = now;
    },
    note(text) {
      line(`    · ${text}`);
    },
  };
}
