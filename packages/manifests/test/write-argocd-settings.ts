// Writes data/argocd-settings.json from the source of the release of Argo CD that packages/tools pins: which settings it
// knows, and what their values are. Usage: node packages/manifests/test/write-argocd-settings.ts
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { ARGOCD_VERSION } from '@gitops/tools/tools';

const goFolder = resolve(import.meta.dirname, '../../tools/go');
const MODULE = 'github.com/argoproj/argo-cd/v3';
const source = execFileSync('go', ['list', '-m', '-f', '{{.Dir}}', MODULE], {
  ...{ cwd: goFolder, encoding: 'utf8' },
  env: { ...process.env, GOWORK: 'off', GOTOOLCHAIN: 'local' },
}).trim();
const read = (path: string): string => readFileSync(join(source, path), 'utf8');

/** What a value is, by the example in the documentation. */
function kindOf(value: string | null): string {
  const text = value ?? '';
  if (/^(true|false)$/.test(text)) return 'boolean';
  if (/^-?\d+(\.\d+)?$/.test(text)) return 'number';
  return /^(\d+(ms|s|m|h))+$/.test(text) ? 'duration' : 'text';
}

function documented(path: string): [string, string][] {
  const { data } = parse(read(path)) as { data: Record<string, string | null> };
  return Object.entries(data).map(([key, value]) => [key, kindOf(value)]);
}

/** What a value is, by the name of its setting, where the documentation has no example. */
const kindByName = (key: string): string =>
  key.endsWith('.seconds')
    ? 'number'
    : key.endsWith('timeout')
      ? 'duration'
      : /(plaintext|strict\.tls|permanent)$/.test(key)
        ? 'boolean'
        : 'text';

const sorted = (entries: readonly (readonly [string, string])[]): Record<string, string> =>
  Object.fromEntries([...new Map(entries)].sort(([a], [b]) => a.localeCompare(b)));

// Names that the code knows and the documentation does not; those of Secrets are no settings.
const ofCode = [...read('util/settings/settings.go').matchAll(/^\t\w+Key\w* += "([a-zA-Z.]+)"$/gm)]
  .map(([, key = '']) => key)
  .filter(
    (key) =>
      !/^(help\.download|kustomize\.(path|version)|webhook\..*(secret|uuid|username|password)|tls\.|server\.secretkey)/.test(
        key,
      ),
  );
const manifests = ['application-controller', 'applicationset-controller', 'notification', 'repo-server', 'server'];
const ofManifests = manifests.flatMap((folder) => {
  const files = execFileSync('find', [join(source, 'manifests/base', folder), '-name', '*.yaml'], { encoding: 'utf8' });
  const text = files.trim().split('\n').map((file) => readFileSync(file, 'utf8')).join('\n'); // prettier-ignore
  return [...text.matchAll(/name: argocd-cmd-params-cm\n\s+key: (\S+)|key: (\S+)\n\s+name: argocd-cmd-params-cm/g)];
});

writeFileSync(
  resolve(import.meta.dirname, '../data/argocd-settings.json'),
  `${JSON.stringify(
    {
      origin: `${MODULE} v${ARGOCD_VERSION}: docs/operator-manual/argocd-{cm,cmd-params-cm}.yaml, util/settings/settings.go, manifests/base`,
      version: ARGOCD_VERSION,
      cm: sorted([
        ...ofCode.map((key) => [key, kindByName(key)] as const),
        ['server.rbac.disableApplicationFineGrainedRBACInheritance', 'boolean'],
        ...documented('docs/operator-manual/argocd-cm.yaml').filter(
          // Of these the part after the prefix is an example.
          ([key]) => !/^(accounts|help\.download|kustomize\.(path|version)|resource\.customizations)\.|^kustomize\.buildOptions\./.test(key), // prettier-ignore
        ),
      ]),
      params: sorted([
        ...ofManifests.map(([, first = '', second = first]) => [second, kindByName(second)] as const),
        ...documented('docs/operator-manual/argocd-cmd-params-cm.yaml'),
      ]),
    },
    undefined,
    2,
  )}\n`,
);
