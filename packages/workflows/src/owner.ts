/** What something lives as long as: a test of tap, or a measurement. */
export interface Owner {
  /** Has something done at the end. */
  teardown(end: () => unknown): void;
}
