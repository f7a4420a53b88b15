// What the rules of a type do not say by themselves, aspect by aspect (kinds.ts has the rest): `none` where AWS has no such
// rule for what the stacks make, `unknown` where it has one or may have one that the simulation lacks, `known` where a rule
// stands elsewhere. Quotas that are far away are told with their number, and are not counted.

export const ASPECTS = {
  immutable: 'what a change replaces, and what AWS fills in',
  arguments: 'arguments that do not go together',
  names: 'names and lengths',
  unique: 'what no two have',
  deletion: 'what must be gone before it',
  quota: 'how many there may be',
  consistency: 'what may not be known yet when it is created',
} as const;
export type Aspect = keyof typeof ASPECTS;

type Said = `${'none' | 'unknown' | 'known'}: ${string}`;
type Row = Readonly<Partial<Record<Aspect, Said>>>;

const NO_NAME: Row = { names: 'none: AWS makes up its id' };
const NO_DELETION: Row = { deletion: 'none: AWS deletes it whatever refers to it' };
const TAKEN_OVER: Row = {
  names: 'none: it comes with the VPC, and is taken over',
  deletion: 'none: the provider leaves it there',
  quota: 'none: one in a VPC',
};
// EC2 API reference, "Eventual consistency in the EC2 API": a NotFound of what was just made.
const OF_EC2: Row = {
  consistency: 'unknown: EC2 may not find at once what it has just made; the provider waits until it reads it',
};
const OF_IAM: Row = {
  consistency: 'unknown: whether IAM finds at once what it has just made; what others say of it is known at them',
};
const ALONE: Row = { consistency: 'none: it names nothing that is new' };
const A_SWITCH: Row = {
  names: 'none: a setting of the account',
  quota: 'none: a setting of the account',
  deletion: 'none: the provider sets it back, or leaves it',
  ...ALONE,
};
const OF_BUCKET: Row = {
  ...NO_DELETION,
  names: 'none: the bucket identifies it',
  quota: 'none: one of a bucket',
};
const OF_REPOSITORY: Row = {
  ...NO_DELETION,
  names: 'none: the repository identifies it',
  quota: 'none: one of a repository',
  consistency: 'unknown: whether ECR finds a new repository at once',
};
const SAID_BY_OTHERS: Row = { consistency: 'unknown: whether the service finds at once what it names' };

export const SAID: Readonly<Record<string, Row>> = {
  aws_vpc: { ...NO_NAME, ...ALONE, unique: 'none: two may have one network' },
  aws_subnet: { ...NO_NAME, ...OF_EC2 },
  aws_default_security_group: { ...TAKEN_OVER, ...OF_EC2 },
  aws_default_route_table: { ...TAKEN_OVER, ...OF_EC2 },
  aws_security_group: OF_EC2,
  aws_vpc_security_group_ingress_rule: {
    ...OF_EC2,
    ...NO_DELETION,
    names: 'unknown: the form of descriptions, up to 255 characters',
  },
  aws_vpc_endpoint: { ...NO_NAME, ...OF_EC2, deletion: 'none: its interfaces go with it' },
  aws_flow_log: {
    ...NO_NAME,
    ...NO_DELETION,
    unique: 'known: the same flow log twice',
    quota: 'unknown: AWS documents none of flow logs in a VPC',
  },
  aws_launch_template: {
    ...ALONE,
    deletion: 'none: AWS deletes it while a node group uses it, which then starts no nodes',
    quota: 'unknown: 5,000 in a region, 10,000 versions of each',
  },
  aws_ebs_encryption_by_default: { ...A_SWITCH, immutable: 'known: no argument replaces it' },
  aws_internet_gateway: {
    ...NO_NAME,
    ...OF_EC2,
    immutable: 'known: no argument replaces it; it can be attached to another VPC',
  },
  aws_eip: { ...NO_NAME, ...ALONE, unique: 'none: AWS chooses the address' },
  aws_nat_gateway: { ...NO_NAME, ...OF_EC2, deletion: 'none: its routes lead nowhere then' },
  aws_route_table: { ...NO_NAME, ...OF_EC2, unique: 'none: a VPC has many' },
  aws_route: {
    ...OF_EC2,
    ...NO_DELETION,
    names: 'none: its destination identifies it',
    quota: 'unknown: 500 in a table',
  },
  aws_route_table_association: { ...NO_NAME, ...OF_EC2, ...NO_DELETION, quota: 'none: one of a subnet' },
  aws_iam_role: {},
  aws_iam_role_policy_attachment: { ...OF_IAM, ...NO_DELETION, names: 'none: role and policy identify it' },
  aws_iam_role_policy: { ...OF_IAM, ...NO_DELETION, quota: 'known: by the size of all policies of a role' },
  aws_iam_policy: { ...ALONE },
  aws_iam_instance_profile: {
    ...OF_IAM,
    deletion: 'none: AWS deletes it while instances use it, which then have no role',
  },
  aws_iam_openid_connect_provider: { ...NO_DELETION, ...ALONE },
  aws_accessanalyzer_analyzer: { ...NO_DELETION, ...ALONE },
  aws_eks_cluster: {},
  aws_eks_access_entry: {
    deletion: 'none: its policies go with it',
    quota: 'unknown: the number in a cluster (Service Quotas, eks L-C56B9FC3)',
  },
  aws_eks_access_policy_association: { ...NO_DELETION, quota: 'unknown: AWS documents none' },
  aws_eks_pod_identity_association: {
    ...NO_DELETION,
    names: 'unknown: the form of namespaces and service accounts, which EKS does not look up',
  },
  aws_eks_addon: {
    ...NO_DELETION,
    names: 'unknown: which add-ons exist; eks-versions.json has those of the stacks',
    quota: 'none: one of each name in a cluster',
    consistency: 'known: it waits for nodes and roles (eks.ts)',
  },
  aws_eks_node_group: {
    deletion: 'unknown: pods whose disruption budgets hold a node',
    consistency: 'unknown: what EKS says of a role that is new; the provider does not repeat the creation',
  },
  aws_ecr_repository: { ...ALONE, quota: 'unknown: 100,000 in a region, 100,000 images of each' },
  aws_ecr_lifecycle_policy: OF_REPOSITORY,
  aws_ecr_repository_policy: OF_REPOSITORY,
  aws_ecr_registry_scanning_configuration: { ...A_SWITCH, immutable: 'known: no argument replaces it' },
  aws_s3_bucket: { ...ALONE, quota: 'unknown: 10,000 in an account' },
  aws_s3_bucket_public_access_block: OF_BUCKET,
  aws_s3_bucket_versioning: OF_BUCKET,
  aws_s3_bucket_server_side_encryption_configuration: OF_BUCKET,
  aws_s3_bucket_policy: OF_BUCKET,
  aws_s3_bucket_lifecycle_configuration: OF_BUCKET,
  aws_s3_account_public_access_block: { ...A_SWITCH, immutable: 'known: no argument replaces it' },
  aws_kms_key: {
    ...NO_NAME,
    unique: 'none: aliases tell keys apart',
    deletion: 'none: AWS only schedules it, whatever is encrypted with it',
    quota: 'unknown: 100,000 in a region',
    consistency: 'none: its policy names the account alone; the provider waits until the policy is known (kms/key.go)',
  },
  aws_kms_alias: NO_DELETION,
  aws_secretsmanager_secret: { ...NO_DELETION, ...ALONE, quota: 'unknown: 500,000 in a region' },
  aws_backup_vault: { ...SAID_BY_OTHERS, quota: 'unknown: 100 in a region' },
  aws_backup_plan: {
    ...SAID_BY_OTHERS,
    names: 'unknown: 50 characters (AWS Backup API reference, BackupPlanInput)',
    unique: 'unknown: AWS refuses the same plan with the same request id',
    quota: 'unknown: 100 in a region',
  },
  aws_backup_selection: { ...NO_DELETION, names: 'unknown: 50 characters (AWS Backup API reference, BackupSelection)' },
  aws_cloudwatch_log_group: {
    ...NO_DELETION,
    quota: 'unknown: 1,000,000 in a region',
    consistency: 'none: the provider ends a key only once its policy is known (kms/key.go)',
  },
  aws_budgets_budget: { ...NO_DELETION, ...ALONE, quota: 'unknown: 20,000 in an account' },
  aws_ce_anomaly_monitor: {
    ...ALONE,
    names: 'unknown: 1,024 characters (AWS Cost Explorer API reference, AnomalyMonitor)',
    unique: 'unknown: whether two may have one name; the simulation says no',
    deletion: 'unknown: whether a subscription keeps it',
    quota: 'unknown: 500 of custom ones in an account',
  },
  aws_ce_anomaly_subscription: {
    ...NO_DELETION,
    ...SAID_BY_OTHERS,
    names: 'unknown: 1,024 characters (AWS Cost Explorer API reference, AnomalySubscription)',
    unique: 'unknown: whether two may have one name; the simulation says no',
    quota: 'unknown: the number in an account',
  },
  aws_sqs_queue: {
    ...ALONE,
    deletion: 'none: AWS deletes it with its messages',
    quota: 'none: AWS documents no limit of queues',
  },
  aws_sqs_queue_policy: {
    ...NO_DELETION,
    names: 'none: the queue identifies it',
    quota: 'none: one of a queue',
    consistency: 'unknown: for how long SQS goes on by the policy before',
  },
  aws_cloudwatch_event_rule: ALONE,
  aws_cloudwatch_event_target: { ...NO_DELETION, ...SAID_BY_OTHERS },
  helm_release: {
    names: 'unknown: 53 characters, which Helm refuses itself',
    unique: 'known: a name that is in use (helm.ts)',
    deletion: 'unknown: finalizers of what its chart made',
    quota: 'none: Kubernetes has none',
    consistency: 'known: what is not there at once: access, namespaces and definitions (helm.ts)',
  },
};
