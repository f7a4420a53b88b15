import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import type { Outcome, RenderRequest } from '../../src/render/renderer.ts';
import { open } from '../helper.ts';

const { renderer } = await open(t);

const TEMPLATE = `
apiVersion: v1
kind: ConfigMap
metadata: {name: large}
data: {text: {{ repeat 20000 "x" | quote }}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: small}
data: {version: {{ .Capabilities.KubeVersion.Version | quote }}}
`;

const request = (name: string, kubeVersion: string): RenderRequest => ({
  application: {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace: 'argocd' },
    spec: {
      project: 'x',
      destination: { namespace: 'x' },
      source: { repoURL: 'https://example.com/x.git', path: 'chart' },
      ignoreDifferences: [{ kind: 'Secret', name: 'none' }],
    },
  },
  kubeVersion,
  apiVersions: [],
});

const named = (outcome: Outcome<KubernetesObject[]> | undefined, name: string): KubernetesObject | undefined => {
  if (outcome?.ok !== true) throw new Error(outcome?.error ?? 'no answer');
  return outcome.value.find(({ metadata }) => metadata.name === name);
};

t.test('answers come in the order of the requests, and equal large objects are one', async (t) => {
  const folder = t.testdir({ chart: { 'Chart.yaml': 'apiVersion: v2\nname: x\nversion: 1.0.0\n' } });
  mkdirSync(join(folder, 'chart/templates'));
  writeFileSync(join(folder, 'chart/templates/maps.yaml'), TEMPLATE);
  const versions = ['v1.33.0', 'v1.34.0', 'v1.35.0', 'v1.36.0'];
  const outcomes = await renderer.render(
    folder,
    versions.map((version) => request('x', version)),
  );
  t.same(
    outcomes.map((outcome) => named(outcome, 'small')?.data),
    versions.map((version) => ({ version })),
  );
  const large = outcomes.map((outcome) => named(outcome, 'large'));
  t.same(large[0]?.data, { text: 'x'.repeat(20_000) });
  t.equal(new Set(large).size, 1, 'sent once');

  // Another call, after the object was sent; and another Application, whose tracking annotation differs.
  const [again, other] = await renderer.render(folder, [request('x', 'v1.36.1'), request('y', 'v1.36.1')]);
  t.equal(named(again, 'large'), large[0]);
  t.not(named(other, 'large'), large[0]);
  t.match(named(other, 'large')?.metadata.annotations, { 'argocd.argoproj.io/tracking-id': /^y:/ });
});

t.test('a chart that does not render leaves the other answers as they are', async (t) => {
  const folder = t.testdir({ chart: { 'Chart.yaml': 'apiVersion: v2\nname: x\nversion: 1.0.0\n' } });
  mkdirSync(join(folder, 'chart/templates'));
  writeFileSync(
    join(folder, 'chart/templates/map.yaml'),
    '{{ if eq .Release.Name "bad" }}{{ fail "no" }}{{ end }}\n' +
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: small}\n',
  );
  const outcomes = await renderer.render(folder, [request('bad', 'v1.36.0'), request('good', 'v1.36.0')]);
  t.same(
    outcomes.map(({ ok }) => ok),
    [false, true],
  );
});
