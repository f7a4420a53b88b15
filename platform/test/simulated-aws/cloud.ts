import { createHash } from 'node:crypto';
import type { Context, Kind } from './kind.ts';
import { dataSourceOf, kindOf, kinds } from './kinds.ts';
import { checkLimits } from './limits.ts';
import { LATE } from './limits/late.ts';
import { AwsError, type Faults, type Operation, Operations } from './operations.ts';
import { isSame, type Values } from './values.ts';

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

/** Something that the search by tags finds. */
export interface TaggedArn {
  readonly arn: string;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * A simulated AWS, in memory: what exists in any account and region, and the rules by which AWS lets things come and go
 * (the files of the services). It knows the resources that the platform uses and no others. It does not check who may
 * do what, and starts no machine. limits.ts says of each type which quotas and other limits it knows.
 */
export class SimulatedAws {
  readonly #things = new Map<string, Thing>();
  readonly #operations = new Operations();
  #ids = 0;

  get timeline(): readonly Operation[] {
    return this.#operations.timeline;
  }

  get faults(): Faults {
    return this.#operations.faults;
  }

  /** How many operations that change something were begun. */
  get operations(): number {
    return this.#operations.count;
  }

  /** How often a caller was throttled. */
  get throttled(): number {
    return this.#operations.throttled;
  }

  /** Everything that exists, or all of one type. */
  things(type?: string): Thing[] {
    return [...this.#things.values()].filter((thing) => type === undefined || thing.type === type);
  }

  /** What a caller finds of a type in its account and, unless the type is global, its region. */
  visible(type: string, { accountId, region }: Caller): Thing[] {
    const isGlobal = kindOf(type).scope === 'account';
    return this.things(type).filter((thing) => thing.accountId === accountId && (isGlobal || thing.region === region));
  }

  find(type: string, caller: Caller, isIt: (thing: Thing) => boolean): Thing | undefined {
    return this.visible(type, caller).find(isIt);
  }

  /** @returns the values with all that AWS filled in. Throws AwsError where AWS would refuse. */
  async create(type: string, values: Values, caller: Caller): Promise<Values> {
    const thing = await this.#operations.run('create', type, '', () => this.#create(type, values, caller));
    return thing.values;
  }

  #create(type: string, values: Values, caller: Caller): Thing {
    const kind = kindOf(type);
    const context = this.#context(values, caller);
    this.#checkReferences(kind, values, caller);
    this.#checkPropagation(type, values, caller);
    kind.checkCreate?.(context);
    checkLimits(type, context);
    const id = kind.id?.(context) ?? this.#newId(kind.prefix ?? `${type}-`);
    const key = kind.unique?.(values);
    const isThere = (other: Thing): boolean =>
      other.id === id || (key !== undefined && kind.unique?.(other.values) === key);
    if (kind.overwrites !== true && this.visible(type, caller).some(isThere))
      fail(kind.existsError ?? 'AlreadyExistsException', `${type} ${key ?? id} already exists`);
    const filled = kind.fill?.({ ...context, id }) ?? {};
    const { accountId, region } = caller;
    const thing: Thing = { type, id, accountId, region, values: { ...values, ...filled, id, region } };
    this.#things.set(keyOf(thing), thing);
    kind.afterCreate?.({ ...context, thing });
    return thing;
  }

  /** A new id in AWS's form: the same for the same history, so that a failing test fails again. */
  #newId(prefix: string): string {
    this.#ids += 1;
    const hash = createHash('sha256').update(`${prefix} ${this.#ids}`).digest('hex');
    return `${prefix}${hash.slice(0, 17)}`;
  }

  read(type: string, id: string, caller: Caller): Values | undefined {
    const values = this.find(type, caller, (thing) => thing.id === id)?.values;
    const isHidden = values !== undefined && kindOf(type).hides?.(this.#context(values, caller)) === true;
    return isHidden ? undefined : values;
  }

  async update(type: string, id: string, values: Values, caller: Caller): Promise<Values> {
    const changed = await this.#operations.run('update', type, id, () => {
      const thing = this.#existing(type, id, caller);
      this.#checkReferences(kindOf(type), values, caller);
      const context = { ...this.#context(values, caller), thing };
      kindOf(type).checkUpdate?.(context);
      checkLimits(type, context);
      thing.values = { ...thing.values, ...values, ...kindOf(type).renew?.(context), id };
      return thing;
    });
    return changed.values;
  }

  async delete(type: string, id: string, caller: Caller): Promise<void> {
    await this.#operations.run('delete', type, id, () => {
      const thing = this.#existing(type, id, caller);
      const context = { ...this.#context(thing.values, caller), thing };
      this.#checkDependents(thing, caller);
      kindOf(type).checkDelete?.(context);
      this.#things.delete(keyOf(thing));
      kindOf(type).afterDelete?.(context);
      return thing;
    });
  }

  /** What a data source answers. */
  lookUp(type: string, values: Values, caller: Caller): Values {
    return dataSourceOf(type)(this.#context(values, caller));
  }

  /** What has this id in the provider's documentation, "Import". */
  importable(type: string, id: string, caller: Caller): Thing | undefined {
    const { importId, failsImport } = kindOf(type);
    const found = this.find(type, caller, (thing) => (importId?.(thing) ?? thing.id) === id);
    if (found === undefined && failsImport !== undefined) fail(...failsImport(id));
    return found;
  }

  /** What carries all of these tags, as AWS's search by tags finds it: no IAM roles. */
  tagged(
    tags: Readonly<Record<string, string>>,
    { accountId, region }: Pick<Caller, 'accountId' | 'region'>,
  ): TaggedArn[] {
    const found: TaggedArn[] = [];
    for (const thing of this.things()) {
      const carried = (thing.values.tags_all ?? {}) as Readonly<Record<string, string>>;
      const arn = arnOf(thing);
      const isHere = thing.accountId === accountId && thing.region === region;
      const fits = Object.entries(tags).every(([key, value]) => carried[key] === value);
      if (isHere && fits && typeof arn === 'string' && thing.type !== 'aws_iam_role')
        found.push({ arn, tags: carried });
    }
    return found;
  }

  /** Puts something there that no stack made: what a controller or a person leaves behind. */
  plant(type: string, values: Values, { accountId, region }: Caller): Thing {
    const id = typeof values.id === 'string' ? values.id : `${type}-planted`;
    const thing: Thing = { type, id, accountId, region, values };
    this.#things.set(keyOf(thing), thing);
    return thing;
  }

  remove(thing: Thing): void {
    this.#things.delete(keyOf(thing));
  }

  /** Remembers what exists; the function that is returned brings it back. */
  remember(): () => void {
    const things = this.things().map((thing) => ({ ...thing }));
    return () => {
      this.#things.clear();
      for (const thing of things) this.#things.set(keyOf(thing), { ...thing });
    };
  }

  #context(values: Values, caller: Caller): Context {
    return {
      cloud: this,
      caller,
      values,
      all: (type) => this.visible(type, caller),
      find: (type, isIt) => this.find(type, caller, isIt),
      fail,
    };
  }

  #existing(type: string, id: string, caller: Caller): Thing {
    const thing = this.find(type, caller, (candidate) => candidate.id === id);
    return thing ?? fail('ResourceNotFoundException', `${type} ${id} does not exist`);
  }

  #checkReferences({ references = [] }: Kind, values: Values, caller: Caller): void {
    for (const { from, to, by, missingError } of references) {
      for (const name of from(values)) {
        const named = this.find(to, caller, (thing) => (by?.(thing.values) ?? thing.id) === name);
        if (named === undefined) fail(missingError, `${to} ${name} does not exist`);
      }
    }
  }

  /** What is new is not known to every service at once. */
  #checkPropagation(type: string, values: Values, caller: Caller): void {
    const { propagation } = this.faults;
    if (propagation === 0) return;
    for (const { to, names, nameOf, error } of LATE[type] ?? []) {
      for (const name of names(values)) {
        const thing = this.find(to, caller, (candidate) => nameOf(candidate) === name);
        const created = this.timeline.findLastIndex(
          (entry) => entry.operation === 'create' && entry.type === to && entry.id === thing?.id,
        );
        if (created >= 0 && this.timeline.length - created <= propagation) fail(...error(name));
      }
    }
  }

  /** Most things cannot be deleted while others refer to them. */
  #checkDependents(thing: Thing, caller: Caller): void {
    for (const [type, { references = [] }] of Object.entries(kinds)) {
      for (const { from, to, by, inUseError } of references) {
        if (to !== thing.type || inUseError === undefined) continue;
        const name = by?.(thing.values) ?? thing.id;
        const dependent = this.find(type, caller, (other) => from(other.values).includes(name));
        if (dependent !== undefined) fail(inUseError, `${thing.type} ${thing.id} is in use by ${type} ${dependent.id}`);
      }
    }
  }
}

function fail(code: string, message: string): never {
  throw new AwsError(code, message);
}

const keyOf = ({ type, accountId, region, id }: Pick<Thing, 'type' | 'accountId' | 'region' | 'id'>): string =>
  [type, accountId, kindOf(type).scope === 'account' ? '' : region, id].join(' ');

/** The provider does not say the ARN of a NAT gateway. */
const arnOf = ({ type, id, accountId, region, values }: Thing): unknown =>
  type === 'aws_nat_gateway'
    ? `arn:aws:ec2:${region}:${accountId}:natgateway/${id}`
    : (values.arn ?? values.association_arn);

/** The arguments whose change means another resource. */
export const replacedBy = (type: string, before: Values, after: Values): string[] =>
  (kindOf(type).fixed ?? []).filter(
    (name) => !isSame(before[name], after[name]) && kindOf(type).changes?.(name, before[name], after[name]) !== true,
  );
