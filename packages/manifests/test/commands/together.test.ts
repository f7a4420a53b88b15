import t from 'tap';
import { together } from '../../src/commands/together.ts';
import { ask, unaskedLine } from '../../src/proofs/ask.ts';
import type { FleetApplication } from '../../src/render/fleet.ts';

const labels = new Set(['dev/app', 'dev/preview-1', 'production/app']);

t.test('what is the same for several Applications is one line, at its place', (t) => {
  const problem = (label: string, line: number, rule = 'must be less'): string =>
    `charts/app/x.yaml:${line}: ${label} Job/x spec.a: ${rule}`;
  t.strictSame(
    together(
      [
        problem('production/app', 7),
        problem('dev/app', 7),
        problem('dev/preview-1', 7),
        problem('dev/app', 10),
        problem('dev/app', 9, 'missing'),
        problem('staging/app', 7),
        'clusters/dev/app.yaml:1: the file: is empty',
      ],
      labels,
    ),
    [
      `${problem('dev/app', 7)} (also dev/preview-1, production/app)`,
      problem('staging/app', 7),
      problem('dev/app', 9, 'missing'),
      problem('dev/app', 10),
      'clusters/dev/app.yaml:1: the file: is empty',
    ],
  );
  t.end();
});

t.test('versions of Kubernetes are named where it is not so in all', (t) => {
  const problem = (label: string, version: string): string =>
    `a.yaml:1: ${label} Pod/x: a: missing [Kubernetes ${version}]`;
  t.strictSame(
    together([problem('dev/app', '1.33'), problem('dev/app', '1.34'), problem('production/app', '1.33')], labels),
    ['a.yaml:1: dev/app Pod/x: a: missing (also production/app) [Kubernetes 1.33, 1.34]'],
  );
  t.strictSame(
    together(
      ['1.33', '1.34', '1.35', '1.36'].map((version) => problem('dev/app', version)),
      labels,
    ),
    ['a.yaml:1: dev/app Pod/x: a: missing'],
  );
  t.end();
});

const entry = (cluster: string): FleetApplication => ({ cluster: { name: cluster } }) as FleetApplication;
const fleet = [entry('dev'), entry('production')];

/** A proof that reports the clusters that it is asked about. */
const proof = (name: string, more: object = {}, found?: readonly string[]) => ({
  ...{ name, intent: '', ...more },
  prove: (asked: readonly FleetApplication[]) => found ?? asked.map(({ cluster }) => `${name} ${cluster.name}`),
});

t.test('a proof is not asked about what is unknown', async (t) => {
  const proofs = [proof('each'), proof('cluster', { needs: 'cluster' }), proof('all', { needs: 'fleet' })];
  const isUnknown = ({ cluster }: FleetApplication): boolean => cluster.name === 'dev';
  const { problems, unasked } = await ask(proofs, fleet, { isUnknown, hasAllClusters: true });
  t.strictSame(problems, ['each dev', 'each production', 'cluster production']);
  t.equal(unaskedLine(unasked), 'not checked until this is fixed: cluster (dev); all');

  const whole = await ask(proofs, fleet, { isUnknown: () => false, hasAllClusters: true });
  t.equal(whole.problems.length, 6);
  t.equal(unaskedLine(whole.unasked), undefined);
  const partly = await ask(proofs, fleet, { isUnknown: () => false, hasAllClusters: false });
  t.strictSame(partly.unasked, [{ name: 'all', clusters: [] }], 'a cluster whose settings cannot be read');
});

t.test('nor one that only shows the consequences of another one', async (t) => {
  const premises = { isUnknown: () => false, hasAllClusters: true };
  const after = proof('after', { follows: ['before'] });
  const { problems, unasked } = await ask([proof('before', {}, ['broken']), after], fleet, premises);
  t.strictSame(problems, ['broken']);
  t.strictSame(unasked, [{ name: 'after', clusters: [] }]);
  t.equal((await ask([proof('before', {}, []), after], fleet, premises)).problems.length, 2);
});
