import t from 'tap';
import {
  changeWithoutSecrets,
  HIDDEN,
  secretIn,
  secretLines,
  withoutSecretLines,
  withoutSecrets,
} from '../../src/kubernetes/secret-values.ts';

const HASH = '$2a$10$rRyBsGSHK6.uc8fntPwVIuLVHgsAhAX7TcdrqW/RADU0uh7CaChLa';

t.test('a secret is known by its name, in any spelling, and by its form', (t) => {
  for (const [key, value] of [
    ['DB_PASSWORD', 'hunter2'],
    ['API_KEY', 'abc'],
    ['DATABASE_URL', 'postgres://me:hunter2@db/x'],
    ['clientSecret', 'hunter2'],
    ['oidc.clientSecret', 'hunter2'],
    ['webhook.github.secret', 'hunter2'],
    ['SECRET', 'hunter2'],
    ['githubToken', 'hunter2'],
    ['adminPasswordHash', 'abc'],
    ['anything', HASH],
    ['anything', '-----BEGIN EC PRIVATE KEY-----'],
    ['anything', 'AKIAIOSFODNN7EXAMPLE'],
    ['url', 'https://hooks.slack.com/services/T00000000/B00000000/abcdefgh'],
  ] as const)
    t.ok(secretIn(key, value), `${key}: ${value}`);
  t.end();
});

t.test('names of Secrets, references and plain values are none', (t) => {
  for (const [key, value] of [
    ['existingSecret', 'grafana-admin'],
    ['configSecret', 'alertmanager-config'],
    ['secretKey', 'page-url'],
    ['secretStore', 'aws-secrets-manager'],
    ['passwordKey', 'password'],
    ['clientSecret', '$oidc.clientSecret'],
    ['password', '$(DB_PASSWORD)'],
    ['token', '{{ .Values.token }}'],
    ['token', ''],
    ['automountServiceAccountToken', 'false'],
    ['tokenTtl', '3600s'],
    ['TOKEN_FILE', '/run/token'],
    ['url', 'https://example.com/'],
    ['url', 'http://{{ .user }}:{{ .password }}@example.com/'],
  ] as const)
    t.equal(secretIn(key, value), undefined, `${key}: ${value}`);
  t.end();
});

t.test('the secrets of a text are found wherever they stand, and leave nothing behind', (t) => {
  const text = [
    '# password: hunter2 is no secret in a comment',
    'oidc.config: |',
    '  clientSecret: hunter2',
    'receivers: { page: { token: "hunter2" } }',
    '- name: DB_PASSWORD',
    "  value: 'hunter2'",
    '{"apiKey": "hunter2"}',
    'note: the address is https://me:hunter2@example.com/',
    'existingSecret: hunter2-is-a-name',
  ].join('\n');
  t.same(
    secretLines(text).map(({ line, key }) => `${line} ${key}`.trim()),
    ['2 clientSecret', '3 token', '5 DB_PASSWORD', '6 apiKey', '7'],
  );
  t.notMatch(withoutSecretLines(text.split('\n').slice(1, -1).join('\n')), /hunter2/);
  t.end();
});

t.test('a Secret is printed without its data, and all else without what looks like a secret', (t) => {
  const object = (kind: string, rest: object) => ({ apiVersion: 'v1', kind, metadata: { name: 'x' }, ...rest });
  t.same(withoutSecrets(object('Secret', { data: { url: 'YQ==' }, stringData: { a: 'b' } })), {
    ...object('Secret', { data: { url: HIDDEN, a: HIDDEN } }),
  });
  const spec = { env: [{ name: 'API_KEY', value: 'hunter2' }], config: 'a: 1\npassword: hunter2', image: 'a/b:1' };
  t.same(withoutSecrets(object('Deployment', { spec })), {
    ...object('Deployment', {
      spec: { env: [{ name: 'API_KEY', value: HIDDEN }], config: `a: 1\npassword: ${HIDDEN}`, image: 'a/b:1' },
    }),
  });
  t.end();
});

t.test('a change is told without the secrets in it', (t) => {
  const change = (object: string, path: string, after: unknown) => ({ object, path, before: undefined, after });
  for (const [object, path] of [
    ['Secret/argocd-secret', 'data.url'],
    ['Deployment/api', 'spec.template.spec.containers[api].env[API_KEY].value'],
    ['ConfigMap/api', 'data.DB_PASSWORD'],
    ['ConfigMap/argocd-cm', 'data[oidc.clientSecret]'],
  ] as const)
    t.equal(changeWithoutSecrets(change(object, path, 'hunter2')).after, HIDDEN, path);
  t.equal(changeWithoutSecrets(change('ConfigMap/api', 'data.LOG_LEVEL', 'warn')).after, 'warn');
  const created = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, data: { url: 'aHVudGVyMg==' } };
  t.notMatch(JSON.stringify(changeWithoutSecrets(change('Secret/a', '', created))), /aHVudGVyMg/);
  t.end();
});
