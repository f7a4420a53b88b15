import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { rememberRenders } from '../../src/render/remember.ts';
import type { Renderer, RenderRequest } from '../../src/render/renderer.ts';

const request = (name: string): RenderRequest => ({
  application: {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace: 'argocd' },
    spec: {
      project: 'x',
      destination: {},
      sources: [
        { repoURL: 'x', path: `charts/${name}`, helm: { valueFiles: [`/clusters/${name}.yaml`] } },
        { repoURL: 'y', chart: 'upstream', helm: { valueFiles: ['$values/clusters/shared.yaml'] } },
      ],
    },
  },
  kubeVersion: 'v1.36.0',
  apiVersions: [],
});

t.test('what reads the same files in two folders is rendered once', async (t) => {
  const folder = t.testdir({
    before: {
      charts: { a: { templates: { 'x.yaml': 'a' } }, b: { 'x.yaml': 'b' } },
      clusters: { 'a.yaml': 'a: 1', 'b.yaml': 'b: 1', 'shared.yaml': 's: 1', 'other.yaml': 'o: 1' },
    },
  });
  const [before, after] = [join(folder, 'before'), join(folder, 'after')];
  cpSync(before, after, { recursive: true });
  const asked: string[] = [];
  const counting: Pick<Renderer, 'render'> = {
    render: async (_, requests) => {
      const names = requests.map(({ application, kubeVersion }) => `${application.metadata.name} ${kubeVersion}`);
      asked.push(...names);
      return Promise.resolve(names.map((error) => ({ ok: false, error })));
    },
  };
  const renderer = rememberRenders(counting as Renderer);
  /** The names of what is rendered for a folder now. */
  const rendered = async (requests = [request('a'), request('b'), request('a')]): Promise<string[]> => {
    asked.length = 0;
    const names = requests.map(({ application, kubeVersion }) => `${application.metadata.name} ${kubeVersion}`);
    const answers = await renderer.render(after, requests);
    t.strictSame(
      answers.map((answer) => (answer.ok ? '' : answer.error)),
      names,
      'answers in the order of the requests',
    );
    return [...asked];
  };
  await renderer.render(before, [request('a'), request('b')]);
  t.strictSame(asked, ['a v1.36.0', 'b v1.36.0']);

  t.strictSame(await rendered(), [], 'nothing differs');
  const change = (file: string, text: string): void => {
    writeFileSync(join(after, file), text);
  };
  change('clusters/other.yaml', 'o: 2');
  t.strictSame(await rendered(), [], 'a file that neither reads');
  change('clusters/b.yaml', 'b: 2');
  t.strictSame(await rendered(), ['b v1.36.0'], 'a values file');
  change('charts/a/templates/x.yaml', 'a2');
  t.strictSame(await rendered(), ['a v1.36.0'], 'a file of the chart');
  change('charts/a/templates/y.yaml', '');
  t.strictSame(await rendered(), ['a v1.36.0'], 'another file of the chart');
  change('clusters/shared.yaml', 's: 2');
  t.strictSame(await rendered(), ['a v1.36.0', 'b v1.36.0'], 'a values file of another source');
  t.strictSame(await rendered([{ ...request('a'), kubeVersion: 'v1.37.0' }]), ['a v1.37.0'], 'another cluster');
  rmSync(join(after, 'clusters/a.yaml'));
  t.strictSame(await rendered(), ['a v1.36.0'], 'a values file that is gone');
  t.strictSame(await rendered(), [], 'and is still gone');
});
