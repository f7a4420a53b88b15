import t from 'tap';
import { type Break, BROKEN_FOR_KARPENTER, long, set, within } from './broken-arguments.ts';
import { openPlatform } from './platform-in-tests.ts';
import { type Caller, replacedBy } from './simulated-aws/cloud.ts';
import { text } from './simulated-aws/kind.ts';
import { kinds } from './simulated-aws/kinds.ts';
import { LIMITS } from './simulated-aws/limits.ts';
import type { Values } from './simulated-aws/values.ts';

// Every limit that the simulation knows, seen red: what the stacks create is taken, broken in one argument, and created
// again. As it is, it is accepted.

const caller: Caller = { accountId: '111111111111', region: 'us-east-1', defaultTags: {} };
const STACKS = ['bootstrap-111111111111', 'registry', 'dev-network', 'dev-cluster'];

/** What the stacks of dev do not have, as they would have it. */
const MORE: Readonly<Record<string, Values>> = {
  aws_kms_key: { policy: '', deletion_window_in_days: 30 },
  aws_kms_alias: { name: 'alias/dev', target_key_id: 'key' },
  aws_security_group: { name: 'endpoints', description: 'AWS APIs', vpc_id: 'vpc' },
  aws_vpc_security_group_ingress_rule: { security_group_id: 'group', from_port: 443, to_port: 443 },
};

/** By type, and by what the limit says of itself. */
const BROKEN: Readonly<Record<string, Readonly<Record<string, Break>>>> = {
  aws_subnet: {
    'a network larger than /16 or smaller than /28': set('cidr_block', '10.0.250.0/29'),
    'a zone of another region': set('availability_zone', 'eu-west-1a'),
  },
  aws_security_group: {
    'name of another form': set('name', 'sg-endpoints'),
    'description of another form': set('description', 'Für APIs'),
  },
  aws_vpc_security_group_ingress_rule: { 'ports in the wrong order': set('from_port', 444) },
  aws_vpc_endpoint: {
    'a private name in a VPC without names': (values) => ({
      ...values,
      vpc_id: 'nameless',
      private_dns_enabled: true,
    }),
  },
  aws_flow_log: {
    'max_aggregation_interval other than 60, 600': set('max_aggregation_interval', 300),
    'traffic_type other than ACCEPT, REJECT, ALL': set('traffic_type', 'DROP'),
    'the same flow log twice': (values) => values,
  },
  aws_launch_template: {
    'name of another form': set('name', 'dev nodes'),
    'more than 16 KB of user data': set('user_data', Buffer.from(long(16_385)).toString('base64')),
    'a hop limit that is none': within('metadata_options', set('http_put_response_hop_limit', 65)),
  },
  aws_nat_gateway: { 'a zone without NAT gateways': set('subnet_id', 'without-nat') },
  aws_route: { 'no target, or two': (values) => ({ ...values, gateway_id: null, nat_gateway_id: null }) },
  aws_iam_role: {
    'name of another form': set('name', 'dev/nodes'),
    'max_session_duration below 3600 or above 43200': set('max_session_duration', 60),
    'a trust policy of more than 2,048 characters': set('assume_role_policy', long(2049)),
  },
  aws_iam_role_policy: {
    'more than 10,240 characters in all inline policies of a role': set('policy', long(10_241)),
  },
  aws_iam_policy: { 'name of another form': set('name', 'a boundary') },
  aws_iam_openid_connect_provider: { 'url of another form': set('url', 'http://token.example.com') },
  aws_accessanalyzer_analyzer: { 'analyzer_name of another form': set('analyzer_name', '1st') },
  aws_eks_cluster: {
    'name of another form': set('name', 'dev.cluster'),
    'a log type that does not exist': set('enabled_cluster_log_types', ['kubelet']),
    'a network of services that is not private, or not between /24 and /12': within(
      'kubernetes_network_config',
      set('service_ipv4_cidr', '100.64.0.0/16'),
    ),
    'a network of services within that of the VPC': within(
      'kubernetes_network_config',
      set('service_ipv4_cidr', '10.0.0.0/16'),
    ),
    'more than 40 networks that may reach the API': within(
      'vpc_config',
      set(
        'public_access_cidrs',
        Array.from({ length: 41 }, (_, index) => `203.0.113.${String(index)}/32`),
      ),
    ),
  },
  aws_eks_access_entry: { 'principal_arn of another form': set('principal_arn', 'arn:aws:iam::1:role/x') },
  aws_eks_access_policy_association: {
    'policy_arn of another form': set('policy_arn', 'arn:aws:iam::aws:policy/AdministratorAccess'),
    'namespaces beside a scope of the cluster': within('access_scope', set('namespaces', ['default'])),
  },
  aws_eks_pod_identity_association: {
    'a role that pods may not assume': set('role_arn', 'arn:aws:iam::111111111111:role/gitops-platform.dev.nodes'),
  },
  aws_eks_addon: {
    'resolve_conflicts_on_create other than NONE, OVERWRITE': set('resolve_conflicts_on_create', 'PRESERVE'),
    'a configuration that is no JSON': set('configuration_values', 'env: {}'),
  },
  aws_eks_node_group: {
    'the size of a disk beside a launch template': set('disk_size', 20),
    'an instance type of another architecture than the image': set('instance_types', ['m7g.large']),
    'more than 450 nodes': within('scaling_config', set('max_size', 451)),
    'a name of more than 63 characters': set('node_group_name_prefix', long(38)),
    'both a number and a share of nodes that an update may take': within('update_config', set('max_unavailable', 1)),
  },
  aws_ecr_repository: {
    'name of another form': set('name', 'Fastify'),
    'exclusions without a mutability that has them, or more than five': (values) => ({
      ...values,
      image_tag_mutability: 'IMMUTABLE_WITH_EXCLUSION',
      image_tag_mutability_exclusion_filter: [],
    }),
  },
  aws_ecr_lifecycle_policy: {
    'two rules of one priority, or more than fifty': set(
      'policy',
      JSON.stringify({ rules: [{ rulePriority: 1 }, { rulePriority: 1 }] }),
    ),
  },
  aws_ecr_registry_scanning_configuration: {
    'continuous scans, which basic scanning does not have': within('rule', set('scan_frequency', 'CONTINUOUS_SCAN')),
  },
  aws_s3_bucket: {
    'bucket of another form': set('bucket', 'State'),
    'a name that another account has': set('bucket', 'taken'),
  },
  aws_kms_key: {
    'deletion_window_in_days below 7 or above 30': set('deletion_window_in_days', 1),
    'a policy that locks everybody out': set('policy', '{"Statement":[]}'),
  },
  aws_kms_alias: { 'name of another form': set('name', 'alias/aws/dev') },
  aws_secretsmanager_secret: {
    'name of another form': set('name', 'dev secret'),
    'days to wait that are neither none nor seven to thirty': set('recovery_window_in_days', 3),
  },
  aws_backup_vault: { 'name of another form': set('name', 'd') },
  aws_backup_plan: {
    'a schedule that is none': within('rule', set('schedule', 'daily')),
    'backups that are deleted before they have been in cold storage for 90 days': within(
      'rule',
      set('lifecycle', [{ cold_storage_after: 30, delete_after: 60 }]),
    ),
  },
  aws_backup_selection: {
    'a role that AWS Backup may not assume': set(
      'iam_role_arn',
      'arn:aws:iam::111111111111:role/gitops-platform.dev.nodes',
    ),
  },
  aws_cloudwatch_log_group: {
    'name of another form': set('name', 'a log'),
    'a key that CloudWatch Logs may not use for it': set('kms_key_id', 'arn:aws:kms:us-east-1:111111111111:key/1'),
  },
  aws_budgets_budget: {
    'name of another form': set('name', 'a:b'),
    'more than five notifications, or more than ten addresses of one': within(
      'notification',
      set(
        'subscriber_email_addresses',
        Array.from({ length: 11 }, (_, index) => `${String(index)}@example.com`),
      ),
    ),
  },
  aws_ce_anomaly_monitor: {
    'monitor_type other than CUSTOM, DIMENSIONAL': set('monitor_type', 'OTHER'),
    'a custom monitor without a specification, or one that is no expression': set('monitor_specification', '{}'),
  },
  aws_ce_anomaly_subscription: { 'immediate alerts by e-mail': set('frequency', 'IMMEDIATE') },
  ...BROKEN_FOR_KARPENTER,
};

/** Of every type. */
const TAGS: Readonly<Record<string, Values>> = {
  'Tag keys starting with aws: are reserved': { 'aws:project': 'x' },
  'Tag keys have 128 characters at most': { [long(129)]: 'x' },
  'The maximum number of tags': Object.fromEntries(
    Array.from({ length: 51 }, (_, index) => [`tag${String(index)}`, '']),
  ),
};

const platform = await openPlatform(t, ({ name }) => STACKS.includes(name));
await platform.apply(...STACKS);
const { cloud } = platform;
cloud.plant('aws_vpc', { id: 'nameless', enable_dns_hostnames: false }, caller);
cloud.plant('zone_without_nat', { id: 'us-east-1f' }, caller);
cloud.plant(
  'aws_subnet',
  {
    id: 'without-nat',
    vpc_id: cloud.things('aws_vpc')[0]?.id,
    availability_zone: 'us-east-1f',
    cidr_block: '10.0.240.0/28',
  },
  caller,
);
cloud.plant('aws_s3_bucket', { id: 'taken', bucket: 'taken' }, { ...caller, accountId: '222222222222' });

const errorOf = async (created: Promise<Values>): Promise<string> =>
  created.then(
    () => 'it was accepted',
    (error: unknown) => (error as Error).message,
  );

/** One of a type, as the stacks make it; what a made-up one needs is put there. */
function sampleOf(type: string): Values {
  const [thing] = cloud.things(type).filter(({ accountId }) => accountId === caller.accountId);
  if (thing !== undefined) return thing.values;
  const made = MORE[type];
  if (made === undefined) throw new Error(`no ${type} to break`);
  for (const [kind, id] of [
    ['aws_vpc', 'vpc'],
    ['aws_security_group', 'group'],
    ['aws_kms_key', 'key'],
  ] as const)
    cloud.plant(kind, { id }, caller);
  return made;
}

t.test('every type says what is known of it, with its source, and what is not', (t) => {
  const types = Object.keys(kinds).filter((type) => type.startsWith('aws_') || type === 'helm_release');
  t.same(
    types.filter((type) => LIMITS[type] === undefined),
    [],
    'add them to simulated-aws/limits.ts',
  );
  t.same(
    Object.keys(LIMITS).filter((type) => kinds[type] === undefined),
    [],
  );
  t.end();
});

/** The message with which AWS refuses a type's broken arguments; as they are, it accepts them. */
async function refusal(type: string, what: string): Promise<string> {
  const change = what.startsWith('retention_in_days') ? set('retention_in_days', 2) : BROKEN[type]?.[what];
  if (change === undefined) return 'nothing here breaks it';
  const sample = sampleOf(type);
  for (const thing of cloud.things(type)) if (thing.values === sample) cloud.remove(thing);
  await cloud.create(type, sample, caller);
  // One that exists already would be refused for that.
  const others = cloud.things(type).filter(({ id }) => id !== 'taken' && what !== 'the same flow log twice');
  for (const thing of others) cloud.remove(thing);
  return errorOf(cloud.create(type, change(sample), caller));
}

t.test('every limit is seen to refuse, and what the stacks make is accepted', async (t) => {
  const first = cloud.remember();
  for (const [type, { refuses = [] }] of Object.entries(LIMITS)) {
    for (const { what, error } of refuses) {
      first();
      const message = await refusal(type, what);
      t.ok(message.startsWith(error.join(': ')), `${type}: ${what}: ${message}`);
    }
  }
  first();
});

t.test('every quota is counted', async (t) => {
  const first = cloud.remember();
  for (const [type, { quota }] of Object.entries(LIMITS)) {
    if (quota === undefined) continue;
    first();
    const sample = sampleOf(type);
    for (const thing of cloud.things(type)) cloud.remove(thing);
    for (let index = 1; index < quota.most; index += 1)
      cloud.plant(type, { ...sample, id: `planted-${String(index)}`, cidr_block: '192.168.0.0/28' }, caller);
    t.not(await errorOf(cloud.create(type, sample, caller)), quota.error.join(': '), `${type}: the last one`);
    cloud.plant(type, { ...sample, id: 'planted-last', cidr_block: '192.168.0.0/28' }, caller);
    const one = { ...sample, name: `${text(sample, 'name')}-2`, cidr_block: '10.0.224.0/28' };
    const message = await errorOf(cloud.create(type, one, caller));
    t.equal(message, quota.error.join(': '), `${type}: one more than ${String(quota.most)}`);
  }
  first();
});

t.test('tags of any type', async (t) => {
  const sample = sampleOf('aws_vpc');
  for (const [says, tags] of Object.entries(TAGS))
    t.match(await errorOf(cloud.update('aws_vpc', text(sample, 'id'), { ...sample, tags_all: tags }, caller)), says);
});

t.test('an anomaly monitor is compared with all keys that AWS returns', async (t) => {
  const type = 'aws_ce_anomaly_monitor';
  const sample = sampleOf(type);
  t.same(replacedBy(type, sample, await cloud.create(type, { ...sample, name: 'second' }, caller)), []);
  const short = { ...sample, name: 'third', monitor_specification: '{"Tags":{"Key":"project","Values":["x"]}}' };
  t.same(replacedBy(type, short, await cloud.create(type, short, caller)), ['monitor_specification']);
});
