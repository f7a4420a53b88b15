import { errorBudget, type Slo } from '@gitops/settings/slo';

/** What a scenario is given, as JSON in the environment variable LOAD. */
export interface Settings {
  /** Where the service is, without a slash at the end. */
  readonly address: string;
  /** The Host header, where it is another than that of the address. */
  readonly host?: string;
  /** Requests per second of a scenario's steady phase. */
  readonly rate: number;
  /** How long all phases take together; the scenario's own where left out. */
  readonly seconds?: number;
  /** What the run is judged by; nothing where left out. */
  readonly objectives?: Objectives;
}

/** The service level objectives as thresholds. */
export interface Objectives {
  /** Less than this share of the requests may fail. */
  readonly failedShare: number;
  /** So many percent of the requests must take less than so many milliseconds. */
  readonly latency: Slo['latency'];
}

/** The thresholds that follow from the objectives. */
export const objectivesOf = ({ availability, latency }: Slo): Objectives => ({
  failedShare: errorBudget(availability),
  latency,
});

/** Requests per second that make the autoscaler add pods to two of the local cluster; README.md has the figures. */
export const DEFAULT_RATE = 400;
