import t from 'tap';
import { helmProblems } from '../../src/render/helm-problems.ts';

const failed = (text: string): string =>
  `failed running helm: \`helm template . --name-template x\` failed exit status 1: Error: ${text}`;

t.test('every mistake against the schema, with its key', (t) => {
  const text = failed(`values don't meet the specifications of the schema(s) in the following chart(s):
fastify-service:
- at '/port': got string, want integer
- at '/shutdown': validation failed
  - at '/shutdown/drainSeconds': minimum: got -1, want 0
  - at '/shutdown': additional properties 'foo', 'bar' not allowed
- at '/a~1b/0': missing properties 'x', 'y'
- at '': 'allOf' failed
  - at '': additional properties 'replcas' not allowed`);
  t.strictSame(helmProblems(text), [
    { keys: ['port'], rule: 'got string, want integer' },
    { keys: ['shutdown', 'drainSeconds'], rule: 'minimum: got -1, want 0' },
    { keys: ['shutdown', 'foo'], rule: 'unknown value' },
    { keys: ['shutdown', 'bar'], rule: 'unknown value' },
    { keys: ['a/b', '0', 'x'], rule: 'missing' },
    { keys: ['a/b', '0', 'y'], rule: 'missing' },
    { keys: ['replcas'], rule: 'unknown value' },
  ]);
  t.end();
});

t.test("every broken rule of the chart's own, with its key", (t) => {
  const text = failed(
    'execution error at (fastify-service/templates/rules.yaml:1:4): fastify-service: a.b: must be less (a 3, b 2)\nfastify-service: host: must be: set\n\nUse --debug flag to render out invalid YAML',
  );
  t.strictSame(helmProblems(text), [
    { keys: ['a', 'b'], rule: 'must be less (a 3, b 2)' },
    { keys: ['host'], rule: 'must be: set' },
  ]);
  t.end();
});

t.test('a mistake in a template, with its file and line', (t) => {
  const place = 'fastify-service/templates/service.yaml';
  t.strictSame(
    helmProblems(
      failed(
        `${place}:7:13\n  executing "${place}" at <.Values.foo.bar>:\n    nil pointer evaluating interface {}.bar\n\nUse --debug flag to render out invalid YAML`,
      ),
    ),
    [{ place: `${place}:7`, rule: 'at <.Values.foo.bar>: nil pointer evaluating interface {}.bar' }],
  );
  t.strictSame(helmProblems(failed(`parse error at (${place}:2): unclosed action started at ${place}:1`)), [
    { place: `${place}:2`, rule: `unclosed action started at ${place}:1` },
  ]);
  t.strictSame(
    helmProblems(
      failed(
        `YAML parse error on ${place}: error converting YAML to JSON: yaml: line 1: did not find expected ',' or ']'`,
      ),
    ),
    [{ place: `${place}:1`, rule: "error converting YAML to JSON: yaml: line 1: did not find expected ',' or ']'" }],
  );
  t.end();
});

t.test('a label or annotation that is no text, with its object', (t) => {
  const text = (of: string): string =>
    `failed to set app instance tracking info on manifest: failed to get annotations for ${of}: .metadata.annotations accessor error: contains non-string value in the map under key "argocd.argoproj.io/sync-wave": -1 is of the type int64, expected string`;
  const problem = {
    keys: ['metadata', 'annotations', 'argocd.argoproj.io/sync-wave'],
    rule: 'must be text, in quotes (it is -1)',
  };
  t.strictSame(helmProblems(text('argoproj.io/v1alpha1, Kind=AppProject argocd/services')), [
    { object: 'AppProject/services', ...problem },
  ]);
  t.strictSame(helmProblems(text('apps/v1, Kind=Deployment /app')), [{ object: 'Deployment/app', ...problem }]);
  t.end();
});

t.test('anything else in its own words', (t) => {
  t.strictSame(helmProblems('path "charts/nowhere": there is no such folder'), [
    { rule: 'path "charts/nowhere": there is no such folder' },
  ]);
  t.strictSame(helmProblems(failed('open /x.yaml: no such file\nor directory')), [
    { rule: 'open /x.yaml: no such file or directory' },
  ]);
  t.end();
});
