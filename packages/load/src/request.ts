/** One request that was sent. */
export interface RequestSample {
  /** When it ended, in milliseconds since 1970. */
  readonly time: number;
  /** The phase of the scenario. */
  readonly phase: string;
  readonly method: string;
  readonly path: string;
  /** 0 where no answer came. */
  readonly status: number;
  /** From its first byte sent to the last byte of the answer, in milliseconds; 0 where no connection was made. */
  readonly milliseconds: number;
  /** Whether it got the status that is right for it, which may be a 4xx. */
  readonly expected: boolean;
  /** Why no answer came, in the words of the client. */
  readonly error: string | undefined;
}

/** What a request came to: `mistake` is a wrong request with its right answer, `refused` a 503. */
export type Outcome = 'answered' | 'mistake' | 'refused' | 'failed';

export function outcomeOf({ status, expected }: RequestSample): Outcome {
  if (expected) return status >= 400 ? 'mistake' : 'answered';
  return status === 503 ? 'refused' : 'failed';
}
