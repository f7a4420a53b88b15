import type { Caller, SimulatedAws, Thing } from './cloud.ts';
import type { Values } from './values.ts';

// How the rules of a resource type are written down, and what the files of the services share. One file has the types
// of one AWS service: what each needs, refuses, fills in and never changes, from the API reference of the service and
// from the documentation of the provider's resources.

/** A call to AWS, and what the caller finds there. */
export interface Context {
  readonly cloud: SimulatedAws;
  readonly caller: Caller;
  /** The arguments of the resource. */
  readonly values: Values;
  /** Everything of a type in the caller's account and region. */
  readonly all: (type: string) => readonly Thing[];
  readonly find: (type: string, isIt: (thing: Thing) => boolean) => Thing | undefined;
  /** Refuses the call, in AWS's words. */
  readonly fail: (code: string, message: string) => never;
}

/** A call about something that exists. */
export interface ThingContext extends Context {
  readonly thing: Thing;
}

/** Something that a resource names and that must exist before it. */
export interface Reference {
  /** The names; empty where the resource names none. */
  readonly from: (values: Values) => readonly string[];
  /** The type of what is named. */
  readonly to: string;
  /** How the other is named, where that is not its id. */
  readonly by?: (values: Values) => string;
  /** AWS's error when it does not exist. */
  readonly missingError: string;
  /** AWS's error when the other is to be deleted while this exists; none where AWS allows it. */
  readonly inUseError?: string;
}

/** The rules of one resource type. */
export interface Kind {
  readonly scope?: 'account' | 'region';
  /** Prefix of an id that AWS makes up. */
  readonly prefix?: string;
  readonly id?: (context: Context) => string;
  /** What no two of them share, besides the id. */
  readonly unique?: (values: Values) => string;
  /** AWS's error when one exists already. */
  readonly existsError?: string;
  /** Whether AWS overwrites what exists, as its Put and Attach calls do. */
  readonly overwrites?: boolean;
  /** What the provider imports it by, where that is not its id. */
  readonly importId?: (thing: Thing) => string;
  /** What the provider says where it looks something up during an import and does not find it. */
  readonly failsImport?: (id: string) => readonly [code: string, message: string];
  /** Whether the provider takes it for gone when it is read, though it is there. */
  readonly hides?: (context: Context) => boolean;
  readonly references?: readonly Reference[];
  readonly checkCreate?: (context: Context) => void;
  readonly checkUpdate?: (context: ThingContext) => void;
  readonly checkDelete?: (context: ThingContext) => void;
  readonly afterCreate?: (context: ThingContext) => void;
  readonly afterDelete?: (context: ThingContext) => void;
  /** The attributes that AWS fills in; unknown until then. */
  readonly computed?: readonly string[];
  readonly fill?: (context: Context & { readonly id: string }) => Values;
  /** What the provider plans of something that exists, whatever it is now. */
  readonly planned?: Values;
  /** Of these, the ones that every change gives another value; unknown until then. */
  readonly renewed?: readonly string[];
  /** The values of these after a change. */
  readonly renew?: (context: ThingContext) => Values;
  /** Arguments that cannot be changed: another value is another resource. */
  readonly fixed?: readonly string[];
  /** Of these, whether a change from one value to another can be made in place after all. */
  readonly changes?: (name: string, before: unknown, after: unknown) => boolean;
}

export type Kinds = Readonly<Record<string, Kind>>;

/** What a data source returns. */
export type DataSource = (context: Context) => Values;
export type DataSources = Readonly<Record<string, DataSource>>;

/** The time stamp of everything. */
export const NOW = '2026-01-01T00:00:00Z';

export const text = (values: Values, name: string): string => (typeof values[name] === 'string' ? values[name] : '');
export const texts = (values: Values, name: string): string[] =>
  Array.isArray(values[name]) ? (values[name] as unknown[]).map(String) : [];
/** A list of the one text, or of none. */
export const optional = (values: Values, name: string): string[] =>
  typeof values[name] === 'string' ? [values[name]] : [];
/** The first of a block, or an empty one. */
export const block = (values: Values, name: string): Values => {
  const given = values[name];
  return ((Array.isArray(given) ? given[0] : given) ?? {}) as Values;
};

export const byArn = (values: Values): string => text(values, 'arn');
export const idFromName = ({ values }: Context): string => text(values, 'name');

export const regionalArn = ({ caller }: Context, service: string, rest: string): string =>
  `arn:aws:${service}:${caller.region}:${caller.accountId}:${rest}`;
export const globalArn = ({ caller }: Context, service: string, rest: string): string =>
  `arn:aws:${service}::${caller.accountId}:${rest}`;

/** A VPC that a resource is in. */
export const inVpc = (inUseError?: string): Reference => ({
  from: (values) => optional(values, 'vpc_id'),
  to: 'aws_vpc',
  missingError: 'InvalidVpcID.NotFound',
  ...(inUseError === undefined ? {} : { inUseError }),
});

/** Subnets that a resource is in. */
export const inSubnets = (from: Reference['from']): Reference => ({
  from,
  to: 'aws_subnet',
  missingError: 'InvalidSubnetID.NotFound',
  inUseError: 'DependencyViolation',
});

/** A role that a resource is given by its ARN. */
export const withRole = (attribute: string, missingError: string): Reference => ({
  from: (values) => optional(values, attribute),
  to: 'aws_iam_role',
  by: byArn,
  missingError,
});

/** roleName of arn:aws:iam::111111111111:role/path/name */
export const roleNameOf = (arn: string): string => arn.replace(/^.*\//, '');
