import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SynthesizedStack } from '../src/app.ts';
import type { PolicyDocument, Statement } from '../src/iam/document.ts';
import { list } from './iam-evaluator.ts';

/** A policy or a trust policy of a stack. */
export interface Policy {
  /** dev-cluster aws_iam_role_policy.node-role-policy */
  readonly place: string;
  readonly document: PolicyDocument;
  /** Whether it is upstream's: the load balancer controller's policy is its project's. */
  readonly isUpstream: boolean;
}

/** A policy of AWS's own that a stack uses. */
export interface Attachment {
  readonly place: string;
  readonly arn: string;
}

/** A role of a stack. */
export interface RoleOfStack {
  readonly place: string;
  readonly name: string;
  readonly accountId: string;
  readonly boundary: string | undefined;
  readonly cluster: string | undefined;
}

/** Everything about IAM in some stacks. */
export interface IamDocuments {
  readonly policies: readonly Policy[];
  readonly attachments: readonly Attachment[];
  /** Access policies of EKS, which have ARNs of their own. */
  readonly clusterAccess: readonly Attachment[];
  readonly roles: readonly RoleOfStack[];
}

interface StackJson {
  readonly resource: Readonly<Record<string, Readonly<Record<string, ResourceJson>>>>;
  readonly provider: { readonly aws: readonly { readonly allowed_account_ids: readonly string[] }[] };
}

interface ResourceJson {
  readonly name?: string;
  readonly policy?: string;
  readonly assume_role_policy?: string;
  readonly policy_arn?: string;
  readonly permissions_boundary?: string;
}

export function iamDocuments(stacks: readonly SynthesizedStack[]): IamDocuments {
  const documents = {
    policies: [] as Policy[],
    attachments: [] as Attachment[],
    clusterAccess: [] as Attachment[],
    roles: [] as RoleOfStack[],
  };
  for (const stack of stacks) {
    const json = JSON.parse(readFileSync(join(stack.folder, 'cdk.tf.json'), 'utf8')) as StackJson;
    for (const { type, id, resource } of resourcesOf(json)) {
      const place = `${stack.name} ${type}.${id}`;
      documents.policies.push(...policiesOf(type, id, place, resource));
      const attachments = type === 'aws_eks_access_policy_association' ? 'clusterAccess' : 'attachments';
      if (resource.policy_arn !== undefined) documents[attachments].push({ place, arn: resource.policy_arn });
      if (type === 'aws_iam_role') documents.roles.push(roleOf(place, resource, json, stack.cluster));
    }
  }
  return documents;
}

function* resourcesOf({ resource }: StackJson): Generator<{ type: string; id: string; resource: ResourceJson }> {
  for (const [type, byId] of Object.entries(resource))
    for (const [id, values] of Object.entries(byId)) yield { type, id, resource: values };
}

function policiesOf(type: string, id: string, place: string, resource: ResourceJson): Policy[] {
  // ECR's lifecycle policy is written in another language.
  if (type === 'aws_ecr_lifecycle_policy') return [];
  const found: Policy[] = [];
  const add = (text: string | undefined, isUpstream: boolean): void => {
    if (text !== undefined) found.push({ place, document: JSON.parse(text) as PolicyDocument, isUpstream });
  };
  add(resource.policy, id.startsWith('load-balancers-'));
  add(resource.assume_role_policy, false);
  return found;
}

const roleOf = (place: string, role: ResourceJson, json: StackJson, cluster: string | undefined): RoleOfStack => ({
  place,
  name: role.name ?? '',
  accountId: json.provider.aws[0]?.allowed_account_ids[0] ?? '',
  boundary: role.permissions_boundary,
  cluster,
});

/** A statement of a policy. */
export interface StatementOfPolicy {
  readonly place: string;
  readonly statement: Statement;
  readonly isUpstream: boolean;
}

export const statementsOf = (policies: readonly Policy[]): StatementOfPolicy[] =>
  policies.flatMap(({ place, document, isUpstream }) =>
    document.Statement.map((statement) => ({ place, statement, isUpstream })),
  );

/** Every condition of a statement: operator, key and the values that it wants. */
export function conditionsOf({ Condition = {} }: Statement): { operator: string; key: string; values: string[] }[] {
  const conditions: { operator: string; key: string; values: string[] }[] = [];
  for (const [operator, wanted] of Object.entries(Condition))
    for (const [key, values] of Object.entries(wanted)) conditions.push({ operator, key, values: [...list(values)] });
  return conditions;
}
