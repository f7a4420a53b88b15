import t from 'tap';
import { type Revision, verdictOn } from '../src/recovery/releases.ts';

const revisions = (...statuses: readonly string[]): Revision[] =>
  statuses.map((status, index) => ({
    release: 'argocd',
    namespace: 'argocd',
    number: index + 1,
    status,
    secret: `sh.helm.release.v1.argocd.v${index + 1}`,
  }));

t.test('absent: install; pending: clear; deployed: import', (t) => {
  for (const [statuses, cleared, isDeployed] of [
    [[], [], false],
    [['deployed'], [], true],
    [['superseded', 'deployed'], [], true],
    [['pending-install'], [1], false],
    [['deployed', 'pending-upgrade'], [2], true],
    [['superseded', 'deployed', 'pending-rollback'], [3], true],
    // The provider upgrades what failed after it was deployed.
    [['deployed', 'failed'], [], true],
    // Nothing of it ever ran as a whole.
    [['failed'], [1], false],
    [['failed', 'pending-install'], [1, 2], false],
    [['uninstalling'], [1], false],
  ] as const) {
    const { clear, isDeployed: found } = verdictOn(revisions(...statuses));
    t.same([clear.map(({ number }) => number), found], [cleared, isDeployed], statuses.join(', '));
  }
  t.end();
});
