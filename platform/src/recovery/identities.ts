import type { TaggedThing } from '../commands/search.ts';

// How a resource of a stack is found again in AWS: by its name where the name is the id, else by its tags. The ids are
// those of the provider's documentation, "Import".

/** The arguments of a resource, as its stack has them: some are references, `${aws_vpc.vpc.id}`. */
export type Values = Readonly<Record<string, unknown>>;

export const text = (values: Values, name: string): string => String(values[name]);

type IdFromValues = (values: Values, accountId: string) => string;

/** Types whose id follows from their values in the stack. OpenTofu resolves references in an id. */
export const BY_NAME: Readonly<Record<string, IdFromValues>> = {
  aws_accessanalyzer_analyzer: (values) => text(values, 'analyzer_name'),
  aws_backup_vault: (values) => text(values, 'name'),
  aws_budgets_budget: (values, accountId) => `${accountId}:${text(values, 'name')}`,
  aws_cloudwatch_log_group: (values) => text(values, 'name'),
  aws_cloudwatch_event_rule: (values) => text(values, 'name'),
  aws_ecr_repository: (values) => text(values, 'name'),
  aws_eks_access_entry: (values) => `${text(values, 'cluster_name')}:${text(values, 'principal_arn')}`,
  aws_eks_addon: (values) => `${text(values, 'cluster_name')}:${text(values, 'addon_name')}`,
  aws_eks_cluster: (values) => text(values, 'name'),
  aws_iam_instance_profile: (values) => text(values, 'name'),
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

/** The start of an ARN's last part, and the id where it is not simply the rest of that part. */
interface ArnForm {
  readonly kind: string;
  readonly id?: (rest: string, arn: string) => string;
}

/** Types whose id AWS generates. */
export const BY_TAGS: Readonly<Record<string, ArnForm>> = {
  aws_backup_plan: { kind: 'backup:backup-plan' },
  aws_eip: { kind: 'ec2:elastic-ip' },
  aws_eks_pod_identity_association: { kind: 'eks:podidentityassociation', id: (rest) => rest.replace('/', ',') },
  // nodegroup/<cluster>/<name>/<number>
  aws_eks_node_group: { kind: 'eks:nodegroup', id: (rest) => rest.split('/').slice(0, 2).join(':') },
  aws_flow_log: { kind: 'ec2:vpc-flow-log' },
  aws_internet_gateway: { kind: 'ec2:internet-gateway' },
  aws_kms_key: { kind: 'kms:key' },
  aws_launch_template: { kind: 'ec2:launch-template' },
  aws_nat_gateway: { kind: 'ec2:natgateway' },
  aws_route_table: { kind: 'ec2:route-table' },
  aws_secretsmanager_secret: { kind: 'secretsmanager:secret', id: (_, arn) => arn },
  aws_security_group: { kind: 'ec2:security-group' },
  // arn:aws:sqs:us-east-1:111111111111:name
  aws_sqs_queue: { kind: 'sqs:', id: (_, arn) => queueUrl(arn) },
  aws_subnet: { kind: 'ec2:subnet' },
  aws_vpc: { kind: 'ec2:vpc' },
  aws_vpc_endpoint: { kind: 'ec2:vpc-endpoint' },
  aws_vpc_security_group_ingress_rule: { kind: 'ec2:security-group-rule' },
};

/** Types without tags, whose ids AWS generates: they are found through their parent. */
export const BY_OWNER: readonly string[] = ['aws_backup_selection'];

const OVERWRITTEN = 'AWS overwrites what exists';
const HARMLESS = 'a second one costs nothing and alerts twice';

/** Types that are not looked for, and why that does no harm. */
export const NOT_SOUGHT: Readonly<Record<string, string>> = {
  aws_ce_anomaly_monitor: HARMLESS,
  aws_ce_anomaly_subscription: HARMLESS,
  aws_cloudwatch_event_target: OVERWRITTEN,
  aws_default_route_table: OVERWRITTEN,
  aws_default_security_group: OVERWRITTEN,
  aws_ebs_encryption_by_default: OVERWRITTEN,
  aws_ecr_lifecycle_policy: OVERWRITTEN,
  aws_ecr_registry_scanning_configuration: OVERWRITTEN,
  aws_ecr_repository_policy: OVERWRITTEN,
  aws_eks_access_policy_association: OVERWRITTEN,
  aws_iam_role_policy: OVERWRITTEN,
  aws_iam_role_policy_attachment: OVERWRITTEN,
  aws_s3_account_public_access_block: OVERWRITTEN,
  aws_s3_bucket_lifecycle_configuration: OVERWRITTEN,
  aws_s3_bucket_policy: OVERWRITTEN,
  aws_s3_bucket_public_access_block: OVERWRITTEN,
  aws_s3_bucket_server_side_encryption_configuration: OVERWRITTEN,
  aws_s3_bucket_versioning: OVERWRITTEN,
  aws_sqs_queue_policy: OVERWRITTEN,
};

/** The id of a queue is its address. */
function queueUrl(arn: string): string {
  const [, , , region = '', accountId = '', name = ''] = arn.split(':');
  return `https://sqs.${region}.amazonaws.com/${accountId}/${name}`;
}

/** arn:aws:ec2:us-east-1:111111111111:vpc/vpc-1 → ec2:vpc and vpc-1 */
function partsOf(arn: string): { kind: string; rest: string } {
  const [, , service = '', , , ...resource] = arn.split(':');
  const [, kind = '', rest = ''] = /^([^/:]+)[/:](.*)$/.exec(resource.join(':')) ?? [];
  return { kind: `${service}:${kind}`, rest };
}

/** The id by which the provider imports what has this ARN. */
export function idFrom(arn: string): string {
  const { kind, rest } = partsOf(arn);
  const form = Object.values(BY_TAGS).find((candidate) => candidate.kind === kind);
  return form?.id?.(rest, arn) ?? rest;
}

/** Whether an ARN is one of a type that is found by its tags; of one type, or of any. */
export function isFoundByTags(arn: string, type?: string): boolean {
  const { kind } = partsOf(arn);
  const forms = type === undefined ? Object.values(BY_TAGS) : [BY_TAGS[type]];
  return forms.some((form) => form?.kind === kind);
}

/** Whether something in AWS carries all tags that the stack gives a resource by name. */
export function carriesTags({ tags }: TaggedThing, values: Values): boolean {
  const wanted = (values.tags ?? {}) as Readonly<Record<string, string>>;
  return Object.entries(wanted).every(([key, value]) => tags[key] === value);
}
