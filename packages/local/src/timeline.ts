/** A part of a command and how long it took. */
export interface Part {
  readonly part: string;
  readonly seconds: number;
}

/** What the seconds of a command were spent on. */
export class Timeline {
  readonly parts: Part[] = [];
  #lastEnd: number;

  /** @param start when the first part began, in milliseconds since 1970 */
  constructor(start: number) {
    this.#lastEnd = start;
  }

  /** Ends a part now: it lasted since the end of the one before. */
  end(part: string): void {
    this.add(part, (Date.now() - this.#lastEnd) / 1000);
  }

  /** Adds a part of known length. */
  add(part: string, seconds: number): void {
    this.parts.push({ part, seconds: Math.round(seconds * 1000) / 1000 });
    this.#lastEnd += seconds * 1000;
  }
}
