import t from 'tap';
import { admissionPolicy, gateOf, missingConditions } from '../src/readiness-gates.ts';
import { clusterOf, type FakePod, fakePod, startFrontDoor, startPod, until } from './cluster.ts';

t.test("a pod's gate follows its target", async (t) => {
  const pod = await startPod(t, 'a');
  const door = await startFrontDoor(t);
  door.update(clusterOf([pod]));
  const [group] = door.groups();
  if (group === undefined) throw new Error('no target group');
  const groups = new Map([[group.spec.name, group]]);
  const gate = gateOf(group.spec.name);
  t.match(gate, /^target-health\.elbv2\.k8s\.aws\/k8s-shop-web-[0-9a-f]{10}$/);
  const missing = (more: Partial<FakePod> = {}) =>
    missingConditions(fakePod({ ...pod, gates: [gate, 'example.com/other'], ...more }, 0).pod, groups);

  const registering = { type: gate, status: 'False', reason: 'Elb.RegistrationInProgress' };
  t.match(missing(), [registering]);
  t.strictSame(missing({ gates: [] }), [], 'a pod without the gate is left alone');
  const [target] = group.targets();
  await until(() => target?.state === 'healthy');
  const healthy = { type: gate, status: 'True', reason: '', message: '' };
  t.match(missing({ conditions: [registering] }), [healthy]);
  t.strictSame(missing({ conditions: [{ type: gate, status: 'True' }] }), [], 'nothing to write twice');
  t.strictSame(missing({ name: 'later' }), [], 'a pod that is not registered keeps what it has');
  const [kept] = missing({ conditions: [{ ...healthy, message: 'old' }] });
  t.notOk(kept?.lastTransitionTime, 'the time changes with the status only');
});

t.test('the gate of a target group that is gone opens', (t) => {
  const pod = fakePod({ name: 'a', port: 1, gates: [gateOf('k8s-gone')] }, 0).pod;
  t.match(missingConditions(pod, new Map()), [{ status: 'True', message: 'Target Group Binding is deleted' }]);
  t.end();
});

t.test('the gate of a simulated pod is open: nothing could ever register it', async (t) => {
  const door = await startFrontDoor(t);
  const pod: FakePod = { name: 'a', port: 1, isSimulated: true };
  door.update(clusterOf([pod]));
  const groups = new Map(door.groups().map((group) => [group.spec.name, group]));
  const [name = ''] = groups.keys();
  t.match(missingConditions(fakePod({ ...pod, gates: [gateOf(name)] }, 0).pod, groups), [{ status: 'True' }]);
});

t.test('the policy is for new pods of the Service in labelled namespaces', async (t) => {
  const door = await startFrontDoor(t);
  door.update(clusterOf([]));
  const [policy, binding] = door.model().targetGroups.flatMap(admissionPolicy);
  t.match(policy?.spec, {
    failurePolicy: 'Ignore',
    matchConstraints: {
      namespaceSelector: {
        matchLabels: { 'kubernetes.io/metadata.name': 'shop', 'elbv2.k8s.aws/pod-readiness-gate-inject': 'enabled' },
      },
      objectSelector: { matchLabels: { app: 'web' } },
      resourceRules: [{ resources: ['pods'], operations: ['CREATE'] }],
    },
  });
  t.match(binding?.spec, { policyName: policy?.metadata.name });
});
