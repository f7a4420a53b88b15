/** The units of panels: Grafana's names for them. */
export type Unit = 'none' | 'short' | 'percentunit' | 's' | 'bytes' | 'reqps' | 'ops' | 'currencyUSD';

/** One query of a panel. */
export interface Query {
  /** PromQL; $namespace, $job, $__rate_interval and $__range are replaced. */
  readonly expr: string;
  /** What its series are called, with the values of labels: `{{pod}}`. In a table, the heading of its column. */
  readonly legend: string;
  /** A limit or an objective, drawn as a dashed line. */
  readonly isLimit?: boolean;
  /** Whether it asks for a state that nothing may be in; then it has no series. */
  readonly isOfState?: boolean;
}

/** From this value up, a value is good, worth a look, or bad. */
export interface Level {
  readonly from: number;
  readonly is: 'good' | 'warning' | 'bad';
}

export interface Panel {
  readonly title: string;
  /** What it shows, and what to do about it: shown with the panel. */
  readonly description: string;
  /**
   * lines: over time; areas: over time, stacked; number: the latest value, large; table: the latest values by label.
   */
  readonly kind: 'lines' | 'areas' | 'number' | 'table';
  readonly unit: Unit;
  /** Of 24 columns. */
  readonly width: number;
  readonly queries: readonly Query[];
  /** In ascending order; the first one holds for everything below as well. */
  readonly levels?: readonly Level[];
  /** Bounds of the axis. */
  readonly min?: number;
  readonly max?: number;
  /** Whether the axis is logarithmic. */
  readonly isLogarithmic?: boolean;
  /** The labels that a table shows, in this order; each becomes a column with this heading. */
  readonly columns?: Readonly<Record<string, string>>;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** A variable: what a reader can choose. */
export interface Variable {
  readonly name: 'namespace' | 'job';
  /** The series whose label of that name has the values. */
  readonly series: string;
}

export interface Dashboard {
  /** Part of its address in Grafana: never changed. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly variables: readonly Variable[];
  readonly rows: readonly Row[];
}

/** The height of a panel in Grafana's grid of 30 pixels. */
export const heightOf = ({ kind }: Pick<Panel, 'kind'>): number => (kind === 'number' ? 4 : 8);
