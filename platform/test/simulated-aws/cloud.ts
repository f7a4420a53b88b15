import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataSources, type Kind, kinds } from './kinds.ts';
import { isSame, type Values } from './values.ts';

/** AWS says no, in its own words: `code: message`. */
export class AwsError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.name = 'AwsError';
    this.code = code;
  }
}

/** Who calls: an account and region, and the tags that the provider puts on everything. */
export interface Caller {
  readonly accountId: string;
  readonly region: string;
  readonly defaultTags: Readonly<Record<string, string>>;
}

/** Something that exists. */
export interface Thing {
  readonly type: string;
  readonly id: string;
  readonly accountId: string;
  readonly region: string;
  values: Values;
}

/** Something that happened. */
export interface Operation {
  readonly operation: 'create' | 'update' | 'delete';
  readonly type: string;
  readonly id: string;
  /** Place in the order of beginnings and ends. */
  readonly began: number;
  ended: number;
}

/** What is to go wrong. */
export interface Faults {
  /** How often AWS says "Throttling" before each operation succeeds. */
  throttle: number;
  /** Milliseconds that operations on a type take; one at least. */
  delays: Readonly<Record<string, number>>;
  /** Called before each operation that changes something, with its number from 1; may end who asks. */
  before: (operation: number) => void;
  /** Called after it; the answer waits for it. */
  after: (operation: number) => void | Promise<void>;
  /** Called when the command line asks for an end, as it does on an interrupt. */
  stopping: () => void;
}

const nothing = (): void => undefined;

/**
 * A simulated AWS, in memory: what exists in any account and region, and the rules by which AWS lets things come and go
 * (kinds.ts). It knows the resources that the platform uses and no others. It does not check who may do what, starts no
 * machine and knows no quota but that of addresses.
 */
export class SimulatedAws {
  readonly #things = new Map<string, Thing>();
  readonly timeline: Operation[] = [];
  readonly faults: Faults = { throttle: 0, delays: {}, before: nothing, after: nothing, stopping: nothing };
  #moment = 0;
  #operations = 0;
  #ids = 0;
  #throttled = 0;

  /** Everything that exists, or all of one type. */
  things(type?: string): Thing[] {
    return [...this.#things.values()].filter((thing) => type === undefined || thing.type === type);
  }

  /** What a caller finds of a type in its account and, unless the type is global, its region. */
  visible(type: string, { accountId, region }: Caller): Thing[] {
    return this.things(type).filter(
      (thing) => thing.accountId === accountId && (kindOf(type).scope === 'account' || thing.region === region),
    );
  }

  find(type: string, caller: Caller, isIt: (thing: Thing) => boolean): Thing | undefined {
    return this.visible(type, caller).find(isIt);
  }

  /** A new id in AWS's form: the same for the same history, so that a failing test fails again. */
  #id(prefix: string): string {
    return (
      prefix +
      createHash('sha256')
        .update(`${prefix} ${(this.#ids += 1)}`)
        .digest('hex')
        .slice(0, 17)
    );
  }

  async create(type: string, values: Values, caller: Caller): Promise<Values> {
    return this.#operate(
      'create',
      type,
      () => '',
      async () => {
        const kind = kindOf(type);
        const context = { cloud: this, caller, values, fail };
        this.#checkReferences(kind, values, caller);
        kind.requires?.(context);
        const id = kind.id?.(context) ?? this.#id(kind.prefix ?? `${type}-`);
        if (
          kind.isPut !== true &&
          this.visible(type, caller).some(
            (thing) =>
              thing.id === id || (kind.unique !== undefined && kind.unique(thing.values) === kind.unique(values)),
          )
        ) {
          fail(kind.exists ?? 'AlreadyExistsException', `${type} ${kind.unique?.(values) ?? id} already exists`);
        }
        const given = kind.gives?.({ ...context, id }) ?? {};
        const thing: Thing = {
          type,
          id,
          accountId: caller.accountId,
          region: caller.region,
          values: { ...values, ...given, id, region: caller.region },
        };
        this.#things.set(keyOf(thing), thing);
        kind.created?.({ ...context, thing });
        return Promise.resolve(thing);
      },
    ).then((thing) => thing.values);
  }

  read(type: string, id: string, caller: Caller): Values | undefined {
    return this.find(type, caller, (thing) => thing.id === id)?.values;
  }

  /** What is called so in the provider's documentation, "Import". */
  importable(type: string, id: string, caller: Caller): Thing | undefined {
    const { importId, isRefusedImport } = kindOf(type);
    const found = this.find(type, caller, (thing) => (importId?.(thing) ?? thing.id) === id);
    if (found === undefined && isRefusedImport === true) fail('', "couldn't find resource");
    return found;
  }

  /** What carries all of these tags, as AWS's search by tags finds it: roles are not among it. */
  tagged(
    tags: Readonly<Record<string, string>>,
    { accountId, region }: Pick<Caller, 'accountId' | 'region'>,
  ): { arn: string; tags: Readonly<Record<string, string>> }[] {
    return this.things().flatMap(({ type, values, ...thing }) => {
      const carried = (values.tags_all ?? {}) as Readonly<Record<string, string>>;
      const arn =
        type === 'aws_nat_gateway'
          ? `arn:aws:ec2:${region}:${accountId}:natgateway/${thing.id}`
          : (values.arn ?? values.association_arn);
      const isFound =
        thing.accountId === accountId &&
        thing.region === region &&
        type !== 'aws_iam_role' &&
        Object.entries(tags).every(([key, value]) => carried[key] === value);
      return isFound && typeof arn === 'string' ? [{ arn, tags: carried }] : [];
    });
  }

  async update(type: string, id: string, values: Values, caller: Caller): Promise<Values> {
    return this.#operate(
      'update',
      type,
      () => id,
      async () => {
        const thing =
          this.find(type, caller, (candidate) => candidate.id === id) ??
          fail('ResourceNotFoundException', `${type} ${id} does not exist`);
        this.#checkReferences(kindOf(type), values, caller);
        kindOf(type).updated?.({ cloud: this, caller, values, thing, fail });
        thing.values = { ...thing.values, ...values, id };
        return Promise.resolve(thing);
      },
    ).then((thing) => thing.values);
  }

  async delete(type: string, id: string, caller: Caller): Promise<void> {
    await this.#operate(
      'delete',
      type,
      () => id,
      async () => {
        const thing =
          this.find(type, caller, (candidate) => candidate.id === id) ??
          fail('ResourceNotFoundException', `${type} ${id} does not exist`);
        this.#checkDependents(thing, caller);
        kindOf(type).blocksDeletion?.({ cloud: this, caller, values: thing.values, thing, fail });
        this.#things.delete(keyOf(thing));
        kindOf(type).deleted?.({ cloud: this, caller, values: thing.values, thing, fail });
        return Promise.resolve(thing);
      },
    );
  }

  /** What a data source answers. */
  lookUp(type: string, values: Values, caller: Caller): Values {
    const source = dataSources[type];
    if (source === undefined) throw new Error(`${type} is not simulated; add it to kinds.ts`);
    return source({ cloud: this, caller, values, fail });
  }

  /** Puts something there that no stack made: what a controller or a person leaves behind. */
  plant(type: string, values: Values, caller: Caller): Thing {
    const thing: Thing = {
      type,
      id: typeof values.id === 'string' ? values.id : `${type}-planted`,
      accountId: caller.accountId,
      region: caller.region,
      values,
    };
    this.#things.set(keyOf(thing), thing);
    return thing;
  }

  remove(thing: Thing): void {
    this.#things.delete(keyOf(thing));
  }

  #checkReferences(kind: Kind, values: Values, caller: Caller): void {
    for (const reference of kind.references ?? []) {
      for (const wanted of reference.from(values)) {
        if (
          this.find(reference.to, caller, (thing) => (reference.by?.(thing.values) ?? thing.id) === wanted) ===
          undefined
        )
          fail(reference.missing, `${reference.to} ${wanted} does not exist`);
      }
    }
  }

  /** Most things cannot go while others refer to them. */
  #checkDependents(thing: Thing, caller: Caller): void {
    for (const [type, kind] of Object.entries(kinds)) {
      for (const reference of kind.references ?? []) {
        if (reference.to !== thing.type || reference.blocks === undefined) continue;
        const name = reference.by?.(thing.values) ?? thing.id;
        const dependent = this.visible(type, caller).find((other) => reference.from(other.values).includes(name));
        if (dependent !== undefined)
          fail(reference.blocks, `${thing.type} ${thing.id} is in use by ${type} ${dependent.id}`);
      }
    }
  }

  /** One operation as AWS has it: it may be throttled, it takes a while, and others run meanwhile. */
  async #operate(
    operation: Operation['operation'],
    type: string,
    idOf: () => string,
    act: () => Promise<Thing>,
  ): Promise<Thing> {
    // As AWS's own SDK: up to 25 attempts.
    for (let attempt = 1; attempt <= this.faults.throttle; attempt += 1) {
      this.#throttled += 1;
      if (attempt === 25) fail('Throttling', 'Rate exceeded');
    }
    const number = (this.#operations += 1);
    this.faults.before(number);
    const entry: Operation = {
      operation,
      type,
      id: idOf(),
      began: (this.#moment += 1),
      ended: Number.POSITIVE_INFINITY,
    };
    this.timeline.push(entry);
    await sleep(this.faults.delays[type] ?? 1);
    const thing = await act();
    this.timeline[this.timeline.indexOf(entry)] = { ...entry, id: thing.id, ended: (this.#moment += 1) };
    await this.faults.after(number);
    return thing;
  }

  /** How often somebody was told to wait. */
  get throttled(): number {
    return this.#throttled;
  }

  get operations(): number {
    return this.#operations;
  }
}

function fail(code: string, message: string): never {
  throw new AwsError(code, message);
}

const keyOf = ({ type, accountId, region, id }: Pick<Thing, 'type' | 'accountId' | 'region' | 'id'>): string =>
  [type, accountId, kindOf(type).scope === 'account' ? '' : region, id].join(' ');

/** The rules of a type. Throws for one that nobody wrote down. */
export function kindOf(type: string): Kind {
  const kind = kinds[type];
  if (kind === undefined) throw new Error(`${type} is not simulated; add it to kinds.ts`);
  return kind;
}

/** Whether a change of a thing means another thing. */
export const replaces = (type: string, before: Values, after: Values): string[] =>
  (kindOf(type).fixed ?? []).filter((name) => !isSame(before[name], after[name]));
