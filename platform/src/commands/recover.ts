import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import type { SynthesizedStack } from '../app.ts';
import type { Attempt, Tofu } from '../tofu.ts';
import type { TaggedThing } from './search.ts';

// OpenTofu writes the state every 20 seconds and at its end. What it made in between is in AWS and not in the state
// when it was killed, or its machine was lost: the next apply would make it twice, or be told that it is there. So it
// is looked for, by its name where a name is enough and else by its tags, and handed to OpenTofu as something to
// import. The ids are those of the provider's documentation, "Import".

/** The arguments of a resource, as its stack has them: some are references, `${aws_vpc.vpc.id}`. */
type Values = Readonly<Record<string, unknown>>;
const text = (values: Values, name: string): string => String(values[name]);

/** Types that are found by what the stack says of them. A reference in an id is OpenTofu's to resolve. */
export const BY_NAME: Readonly<Record<string, (values: Values, accountId: string) => string>> = {
  aws_accessanalyzer_analyzer: (values) => text(values, 'analyzer_name'),
  aws_backup_vault: (values) => text(values, 'name'),
  aws_budgets_budget: (values, accountId) => `${accountId}:${text(values, 'name')}`,
  aws_cloudwatch_log_group: (values) => text(values, 'name'),
  aws_ecr_repository: (values) => text(values, 'name'),
  aws_eks_access_entry: (values) => `${text(values, 'cluster_name')}:${text(values, 'principal_arn')}`,
  aws_eks_addon: (values) => `${text(values, 'cluster_name')}:${text(values, 'addon_name')}`,
  aws_eks_cluster: (values) => text(values, 'name'),
  aws_eks_node_group: (values) => `${text(values, 'cluster_name')}:${text(values, 'node_group_name')}`,
  aws_iam_openid_connect_provider: (values, accountId) =>
    `arn:aws:iam::${accountId}:oidc-provider/${text(values, 'url').replace('https://', '')}`,
  aws_iam_policy: (values, accountId) => `arn:aws:iam::${accountId}:policy/${text(values, 'name')}`,
  aws_iam_role: (values) => text(values, 'name'),
  aws_kms_alias: (values) => text(values, 'name'),
  aws_route: (values) => `${text(values, 'route_table_id')}_${text(values, 'destination_cidr_block')}`,
  aws_route_table_association: (values) => `${text(values, 'subnet_id')}/${text(values, 'route_table_id')}`,
  aws_s3_bucket: (values) => text(values, 'bucket'),
  helm_release: (values) => `${text(values, 'namespace')}/${text(values, 'name')}`,
};

/**
 * Types of which AWS makes up the id: the beginning of their ARN's last part, and the id, where it is not the rest of
 * it.
 */
export const BY_TAGS: Readonly<Record<string, readonly [kind: string, id?: (rest: string, arn: string) => string]>> = {
  aws_backup_plan: ['backup:backup-plan'],
  aws_eip: ['ec2:elastic-ip'],
  aws_eks_pod_identity_association: ['eks:podidentityassociation', (rest) => rest.replace('/', ',')],
  aws_flow_log: ['ec2:vpc-flow-log'],
  aws_internet_gateway: ['ec2:internet-gateway'],
  aws_kms_key: ['kms:key'],
  aws_launch_template: ['ec2:launch-template'],
  aws_nat_gateway: ['ec2:natgateway'],
  aws_route_table: ['ec2:route-table'],
  aws_secretsmanager_secret: ['secretsmanager:secret', (_, arn) => arn],
  aws_security_group: ['ec2:security-group'],
  aws_subnet: ['ec2:subnet'],
  aws_vpc: ['ec2:vpc'],
  aws_vpc_endpoint: ['ec2:vpc-endpoint'],
  aws_vpc_security_group_ingress_rule: ['ec2:security-group-rule'],
};

/** Types without tags, whose ids AWS makes up: it is asked for them by what they belong to. */
export const ASKED_FOR: readonly string[] = ['aws_backup_selection'];

/** Types that are not looked for, and why that does no harm. */
export const LEFT: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      'aws_default_route_table',
      'aws_default_security_group',
      'aws_ebs_encryption_by_default',
      'aws_ecr_lifecycle_policy',
      'aws_ecr_registry_scanning_configuration',
      'aws_ecr_repository_policy',
      'aws_eks_access_policy_association',
      'aws_iam_role_policy',
      'aws_iam_role_policy_attachment',
      'aws_s3_account_public_access_block',
      'aws_s3_bucket_lifecycle_configuration',
      'aws_s3_bucket_policy',
      'aws_s3_bucket_public_access_block',
      'aws_s3_bucket_server_side_encryption_configuration',
      'aws_s3_bucket_versioning',
    ].map((type) => [type, 'AWS writes over what is there'] as const),
  ),
  aws_ce_anomaly_monitor: 'a second one costs nothing and alerts twice',
  aws_ce_anomaly_subscription: 'a second one costs nothing and alerts twice',
};

interface StackJson {
  readonly provider: {
    readonly aws: readonly {
      readonly allowed_account_ids: readonly string[];
      readonly region: string;
      readonly default_tags?: readonly { readonly tags: Readonly<Record<string, string>> }[];
    }[];
  };
  readonly resource?: Readonly<Record<string, Readonly<Record<string, Values>>>>;
}

interface State {
  readonly resources?: readonly {
    readonly mode: string;
    readonly type: string;
    readonly name: string;
    readonly instances: readonly { readonly attributes: Values }[];
  }[];
}

/** Something to import: a resource of the stack, and what it is called in AWS. */
interface Import {
  readonly to: string;
  readonly id: string;
}

/** What was found. */
export interface Recovery {
  /** What the state has now; none where nothing was lost. */
  readonly adopted: readonly Import[];
  /**
   * ARNs of things like those of the stack, in place of which the state has others: made once more, or gone a moment
   * ago.
   */
  readonly strangers: readonly string[];
}

/** Where AWS is asked what there is. */
export interface Search {
  tagged(region: string, tags: Readonly<Record<string, string>>): Promise<readonly TaggedThing[]>;
  /** The selections of a backup plan: ids by names. */
  backupSelections(region: string, planId: string): Promise<ReadonlyMap<string, string>>;
}

/**
 * Looks for what a run that was killed had made, and imports it into the state, one after the other: cut off, it goes
 * on where it was. Throws CommandError where the stack cannot be planned, where something is there twice, and where it
 * is somebody else's.
 */
export async function recover(tofu: Tofu, stack: SynthesizedStack, search: Search): Promise<Recovery> {
  const json = JSON.parse(readFileSync(join(stack.folder, 'cdk.tf.json'), 'utf8')) as StackJson;
  const [
    {
      allowed_account_ids: [accountId = ''],
      region,
      default_tags: defaults = [],
    },
  ] = json.provider.aws as [StackJson['provider']['aws'][number]];
  const held = await heldBy(tofu, stack);
  const lost = Object.entries(json.resource ?? {})
    .flatMap(([type, resources]) =>
      Object.entries(resources).map(([name, values]): Resource => ({ to: `${type}.${name}`, type, values })),
    )
    .filter(({ to }) => !held.has(to));
  const names = new Set(
    [...held.values()].flatMap(({ id, arn, association_arn: association }) => [id, arn, association]),
  );
  const found = (await search.tagged(region, { ...defaults[0]?.tags })).filter(
    ({ arn }) => !names.has(arn) && !names.has(idFrom(arn)),
  );
  const candidates = lost.map((resource) => ({
    ...resource,
    name: BY_NAME[resource.type]?.(resource.values, accountId),
    arns: alike(resource, found).map(({ arn }) => arn),
  }));
  // Nobody knows which one is meant, and a third would be made.
  const doubles = candidates.flatMap(({ to, arns }) =>
    arns.length > 1 ? [`${to} is there more than once: ${arns.join(', ')}`] : [],
  );
  if (doubles.length > 0) throw new CommandError(doubles, 'delete all but one of each, and run the command again');
  const imports = candidates.flatMap(({ to, name, arns }) =>
    [...(name === undefined ? [] : [name]), ...arns.map(idFrom)].map((id): Import => ({ to, id })),
  );

  const adopted = await present(tofu, stack, imports, new Set(held.keys()));
  const take = async ({ to, id }: Import): Promise<string> => tofu.read(stack, ['import', '-input=false', to, id]);
  for (const one of adopted) await take(one);
  const now = await heldBy(tofu, stack);
  await refuseForeign(tofu, stack, adopted, now, defaults[0]?.tags.stack);
  for (const { to, type, values } of lost) {
    if (!ASKED_FOR.includes(type)) continue;
    const plan = planOf(values, now);
    const selection =
      plan === undefined ? undefined : (await search.backupSelections(region, plan)).get(text(values, 'name'));
    if (selection === undefined) continue;
    const one = { to, id: `${plan ?? ''}|${selection}` };
    await take(one);
    adopted.push(one);
  }
  const ids = new Set(adopted.map(({ id }) => id));
  return {
    adopted,
    strangers: found.filter((thing) => !ids.has(idFrom(thing.arn)) && isLookedFor(thing, lost)).map(({ arn }) => arn),
  };
}

/**
 * Somebody else's thing may have the name of one of ours: it goes out of the state again, and is not touched.
 * Throws CommandError where there is one.
 */
async function refuseForeign(
  tofu: Tofu,
  stack: SynthesizedStack,
  adopted: readonly Import[],
  held: Held,
  tag: string | undefined,
): Promise<void> {
  const foreign = adopted.filter(({ to }) => {
    const { tags_all: tags } = held.get(to) ?? {};
    return tags !== undefined && (tags as Record<string, string> | null)?.stack !== tag;
  });
  if (foreign.length === 0) return;
  await tofu.read(stack, ['state', 'rm', ...foreign.map(({ to }) => to)]);
  throw new CommandError(
    foreign.map(
      ({ to, id }) => `${to} cannot be made: ${id} is there already, and does not carry the tag stack=${tag ?? ''}`,
    ),
    'delete it or give it the tag, and run the command again',
  );
}

/**
 * Those of the imports that there are, their ids without references: OpenTofu is asked for a plan of them, and says
 * what it did not find.
 */
async function present(
  tofu: Tofu,
  stack: SynthesizedStack,
  imports: readonly Import[],
  held: ReadonlySet<string>,
): Promise<Import[]> {
  const file = join(stack.folder, 'recover.tf.json');
  const planned = async (tried: readonly Import[]): Promise<Planned> => {
    writeFileSync(file, JSON.stringify({ import: tried }));
    return plannedBy(await tofu.attempt(stack, ['plan', '-input=false', '-lock=false', '-json']));
  };
  try {
    let settled = withoutDangling(
      imports.filter(({ to }) => !isRefused(to)),
      held,
    );
    let plan = await planned(settled);
    while (plan.absent.size > 0) {
      const { absent } = plan;
      settled = withoutDangling(
        settled.filter(({ to }) => !absent.has(to)),
        held,
      );
      plan = await planned(settled);
    }
    if (plan.errors.length > 0)
      throw new CommandError(
        [`${stack.name} cannot be planned`, ...plan.errors],
        `mend it; \`make plan STACK=${stack.name}\` says more`,
      );
    // The provider refuses these without a word of which one it means, so each is tried by itself.
    for (const one of withoutDangling([...settled, ...imports.filter(({ to }) => isRefused(to))], held).slice(
      settled.length,
    )) {
      const tried = await planned([...settled, one]);
      if (tried.errors.length > 0) continue;
      settled.push(one);
      plan = tried;
    }
    return [...plan.adopted];
  } finally {
    rmSync(file, { force: true });
  }
}

interface Resource {
  readonly to: string;
  readonly type: string;
  readonly values: Values;
}

/** Their import looks them up by itself, and fails where others find nothing. */
const isRefused = (address: string): boolean => /^aws_route(_table_association)?\./.test(address);

/** What came of a plan. */
interface Planned {
  readonly adopted: readonly Import[];
  /** Addresses of what was to be imported and is not there. */
  readonly absent: ReadonlySet<string>;
  /** All that stands in the way, in OpenTofu's words. */
  readonly errors: readonly string[];
}

function plannedBy({ output }: Attempt): Planned {
  const messages = output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Message);
  const errors = messages.flatMap(({ diagnostic }) => (diagnostic?.severity === 'error' ? [diagnostic] : []));
  return {
    adopted: messages.flatMap(({ change }) =>
      change?.importing === undefined ? [] : [{ to: change.resource.addr, id: change.importing.id }],
    ),
    absent: new Set(
      errors.flatMap(({ summary, detail }) =>
        summary === 'Cannot import non-existent remote object' ? (/object to "([^"]+)"/.exec(detail)?.[1] ?? []) : [],
      ),
    ),
    errors: errors.map(({ summary }) => summary),
  };
}

interface Message {
  readonly change?: { readonly resource: { readonly addr: string }; readonly importing?: { readonly id: string } };
  readonly diagnostic?: { readonly severity: string; readonly summary: string; readonly detail: string };
}

/** What the state holds: attributes by address. */
type Held = ReadonlyMap<string, Values>;

async function heldBy(tofu: Tofu, stack: SynthesizedStack): Promise<Held> {
  const pulled = await tofu.read(stack, ['state', 'pull']);
  const { resources = [] } = (pulled.trim() === '' ? {} : JSON.parse(pulled)) as State;
  return new Map(
    resources
      .filter(({ mode }) => mode === 'managed')
      .flatMap(({ type, name, instances: [instance] }) =>
        instance === undefined ? [] : [[`${type}.${name}`, instance.attributes] as const],
      ),
  );
}

/** The id of the backup plan that a selection refers to; undefined where the state has none yet. */
function planOf(values: Values, held: Held): string | undefined {
  const address = /^\$\{(.+)\.id\}$/.exec(text(values, 'plan_id'))?.[1] ?? '';
  const id = held.get(address)?.id;
  return typeof id === 'string' ? id : undefined;
}

/** arn:aws:ec2:us-east-1:111111111111:vpc/vpc-1 → ec2:vpc and vpc-1 */
function partsOf(arn: string): { kind: string; rest: string } {
  const [, , service = '', , , ...resource] = arn.split(':');
  const [, kind = '', rest = ''] = /^([^/:]+)[/:](.*)$/.exec(resource.join(':')) ?? [];
  return { kind: `${service}:${kind}`, rest };
}

function idFrom(arn: string): string {
  const { kind, rest } = partsOf(arn);
  const [, id] = Object.values(BY_TAGS).find(([candidate]) => candidate === kind) ?? [];
  return id?.(rest, arn) ?? rest;
}

/**
 * Whether a thing is of a type that is found by its tags; what AWS makes with a VPC is there anyway, and the stack
 * takes it over.
 */
const isLookedFor = ({ arn, tags }: TaggedThing, lost: readonly Resource[]): boolean =>
  Object.values(BY_TAGS).some(([kind]) => kind === partsOf(arn).kind) &&
  !lost.some(({ type, values }) => LEFT[type] !== undefined && values.tags !== undefined && carries(tags, values));

const carries = (tags: TaggedThing['tags'], values: Values): boolean =>
  Object.entries((values.tags ?? {}) as Record<string, string>).every(([key, value]) => tags[key] === value);

/** What AWS has of a type that is found by its tags, with those of a resource. */
function alike({ type, values }: Resource, found: readonly TaggedThing[]): TaggedThing[] {
  const [kind] = BY_TAGS[type] ?? [];
  return found.filter(({ arn, tags }) => partsOf(arn).kind === kind && carries(tags, values));
}

/** Without those whose id refers to something that is neither in the state nor to be imported. */
function withoutDangling(imports: readonly Import[], held: ReadonlySet<string>): Import[] {
  const known = new Set([...held, ...imports.map(({ to }) => to)]);
  const left = imports.filter(({ id }) =>
    Array.from(id.matchAll(/\$\{(\w+\.[\w-]+)\./g), ([, address = '']) => address).every((address) =>
      known.has(address),
    ),
  );
  return left.length === imports.length ? left : withoutDangling(left, held);
}
