import Type, { type Static } from 'typebox';

/** What the fault switches do to requests of the API. */
export const Faults = Type.Object(
  {
    failing: Type.Number({ minimum: 0, maximum: 1, default: 0, description: 'Share of requests answered with 500' }),
    delay: Type.Integer({
      minimum: 0,
      maximum: 60_000,
      default: 0,
      description: 'Milliseconds that every request waits before it is handled',
    }),
  },
  { additionalProperties: false },
);
export type Faults = Readonly<Static<typeof Faults>>;

export const NO_FAULTS: Faults = { failing: 0, delay: 0 };

/** The switches of one process. */
export interface FaultSwitches {
  read: () => Faults;
  set: (faults: Faults) => void;
  /** Whether the next request fails. Exact and without chance: of ten requests at 0.3, three fail. */
  failsNext: () => boolean;
}

/** Switches that are off. */
export function faultSwitches(): FaultSwitches {
  let faults = NO_FAULTS;
  let owed = 0;
  return {
    read: () => faults,
    set: (next) => {
      faults = next;
      owed = 0;
    },
    failsNext: () => {
      owed += faults.failing;
      // A tenth added ten times is a little less than one.
      if (owed < 1 - 1e-9) return false;
      owed -= 1;
      return true;
    },
  };
}
