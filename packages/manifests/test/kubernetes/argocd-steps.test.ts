import t from 'tap';
import { blocking } from '../../src/kubernetes/changes.ts';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { isNewer, skipsMinor } from '../../src/kubernetes/version.ts';
import { changes, object, shown } from './objects.ts';

/** The ApplicationSet of Argo CD, with the versions of its steps: `10.8.0 v3.5.7` for dev, staging and all others. */
const steps = (...versions: readonly string[]): KubernetesObject => {
  const generators = versions.map((text, index) => {
    const [chart = '', version = ''] = text.split(' ');
    const cluster = ['dev', 'staging'][index];
    return { clusters: { selector: { matchLabels: { ...(cluster && { cluster }) } }, values: { chart, version } } };
  });
  const made = object('ApplicationSet', { spec: { generators } }, { apiVersion: 'argoproj.io/v1alpha1' });
  return { ...made, metadata: { ...made.metadata, name: 'argocd' } };
};
const version = (step: number): string => `ApplicationSet/argocd spec.generators[${step}].clusters.values.version`;
const chart = (step: number): string => `ApplicationSet/argocd spec.generators[${step}].clusters.values.chart`;

t.test('Argo CD is upgraded step by step: what the step above does not run yet is blocked', (t) => {
  const now = steps('1.1.0 v3.5.7', '1.0.0 v3.5.6', '1.0.0 v3.5.6');
  const cases: [string, KubernetesObject, string[]][] = [
    ['dev', steps('1.2.0 v3.5.8', '1.0.0 v3.5.6', '1.0.0 v3.5.6'), [`change ${chart(0)}`, `change ${version(0)}`]],
    [
      'what dev runs',
      steps('1.1.0 v3.5.7', '1.1.0 v3.5.7', '1.0.0 v3.5.6'),
      [`change ${chart(1)}`, `change ${version(1)}`],
    ],
    [
      'back, everywhere',
      steps('1.0.0 v3.5.6', '0.9.0 v3.5.5', '0.9.0 v3.5.5'),
      [0, 1, 2].flatMap((step) => [`change ${chart(step)}`, `change ${version(step)}`]),
    ],
    [
      'dev and staging in one merge',
      steps('1.2.0 v3.5.8', '1.2.0 v3.5.8', '1.0.0 v3.5.6'),
      [
        `change ${chart(0)}`,
        `change ${version(0)}`,
        `STOP out-of-order ${chart(1)}`,
        `STOP out-of-order ${version(1)}`,
      ],
    ],
    [
      'production before staging',
      steps('1.1.0 v3.5.7', '1.0.0 v3.5.6', '1.1.0 v3.5.7'),
      [`STOP out-of-order ${chart(2)}`, `STOP out-of-order ${version(2)}`],
    ],
    [
      'a minor version left out',
      steps('1.1.0 v3.7.0', '1.0.0 v3.5.6', '1.0.0 v3.5.6'),
      [`STOP out-of-order ${version(0)}`],
    ],
    ['the next minor version', steps('1.1.0 v3.6.1', '1.0.0 v3.5.6', '1.0.0 v3.5.6'), [`change ${version(0)}`]],
  ];
  for (const [name, then, expected] of cases) {
    const found = changes(now, then);
    t.strictSame(shown(found), expected, name);
    t.equal(
      found.some(blocking),
      expected.some((line) => line.startsWith('STOP')),
      name,
    );
  }
  t.match(
    changes(now, steps('1.1.0 v3.5.7', '1.0.0 v3.5.6', '1.1.0 v3.5.7')).map(({ consequence }) => consequence),
    [/^staging must run it first: merge that step alone/, /^staging must run it first/],
  );
  t.match(
    changes(now, steps('1.1.0 v3.7.0', '1.0.0 v3.5.6', '1.0.0 v3.5.6')).map(({ consequence }) => consequence),
    [/one minor version at a time: first the next one after v3\.5\.7/],
  );
  t.end();
});

t.test('versions compare by their numbers', (t) => {
  for (const [version, than] of [
    ['v3.5.10', 'v3.5.9'],
    ['10.0.0', '9.9.9'],
    ['v3.6.0', 'v3.5.9'],
  ] as const) {
    t.ok(isNewer(version, than), `${version} is newer than ${than}`);
    t.notOk(isNewer(than, version), `${than} is not newer than ${version}`);
  }
  t.notOk(isNewer('v3.5.7', '3.5.7'));
  t.ok(skipsMinor('v3.5.7', 'v3.7.0'));
  t.ok(skipsMinor('v2.14.1', 'v3.1.0'));
  t.ok(skipsMinor('v2.14.1', 'v4.0.0'));
  for (const to of ['v3.5.9', 'v3.6.4', 'v4.0.0', 'v3.4.0', 'v2.0.0']) t.notOk(skipsMinor('v3.5.7', to), to);
  t.end();
});
