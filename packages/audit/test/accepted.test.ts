import t from 'tap';
import { type Accepted, ACCEPTED_IN_MANIFESTS, ACCEPTED_IN_PLANS, differences } from '../src/accepted.ts';

const finding = (check: string, place: string) => ({ check, demands: 'Ensure that', place });
const list: readonly Accepted[] = [{ checks: ['A', 'B'], places: ['dev-*/x.*', 'registry/y'], reason: 'why' }];

t.test('findings that are accepted are no difference', (t) => {
  t.same(differences([finding('A', 'dev-cluster/x.1'), finding('B', 'registry/y')], list), { found: [], stale: [] });
  t.end();
});

t.test('what is found elsewhere, or by another check, is new', (t) => {
  const { found } = differences(
    [finding('A', 'staging/x.1'), finding('C', 'registry/y'), finding('A', 'registry/yy')],
    list,
  );
  t.same(found, ['registry/y: Ensure that (C)', 'registry/yy: Ensure that (A)', 'staging/x.1: Ensure that (A)']);
  t.end();
});

t.test('a check or a place of the list that nothing needs is stale', (t) => {
  t.same(differences([finding('A', 'dev-cluster/x.1')], list).stale, [
    'B fails at none of dev-*/x.*, registry/y',
    'registry/y fails none of A, B',
  ]);
  t.end();
});

t.test('every entry has a reason', (t) => {
  for (const { checks, places, reason } of [...ACCEPTED_IN_PLANS, ...ACCEPTED_IN_MANIFESTS])
    t.ok(checks.length > 0 && places.length > 0 && reason.length > 40, checks.join(' '));
  t.end();
});
