import type { KubernetesObject } from '../../kubernetes/object.ts';
import { configMaps, containersOf, podOwners } from '../../kubernetes/workload.ts';
import type { Problem } from '../problem.ts';
import { containerPath, problem, type Rule, seen } from './rule.ts';

const text: Rule = {
  name: 'configuration-is-text',
  intent: 'A ConfigMap holds only strings: the API server refuses an unquoted yes or 8080.',
  check: (objects) =>
    configMaps(objects).flatMap((map) =>
      Object.entries(map.data ?? {})
        .filter(([, value]) => typeof value !== 'string')
        .map(([key, value]) => problem(map, `data.${key}`, `must be a string ${seen(value)}`)),
    ),
};

const SECRET_WORDS = [
  'pass(?:word|wd|phrase)?',
  'secret',
  'token',
  'credentials?',
  '(?:api|access|private|signing|encryption)[_-]?key',
  'dsn',
];
const SECRET_NAME = new RegExp(`(?:^|[_-])(?:${SECRET_WORDS.join('|')})(?:$|[_-])`, 'i');
// The place or lifetime of a secret is no secret.
const ABOUT_A_SECRET = /[_-](?:name|file|path|url|uri|issuer|audience|header|ttl|seconds|length)$/i;
const PLAIN_VALUE = /^(?:|true|false|\d+(?:ms|s|m|h)?)$/;
const SECRET_VALUES: readonly [what: string, pattern: RegExp][] = [
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  ['an access key of AWS', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['a token of GitHub', /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})/],
  ['a JSON Web Token', /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\./],
  ['an address with a password', /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]+:[^\s@/]+@/i],
];

/** Why a setting looks like a secret; undefined where it does not. */
function secretIn(key: string, value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const what = SECRET_VALUES.find(([, pattern]) => pattern.test(value))?.[0];
  if (what !== undefined) return `holds ${what}`;
  return SECRET_NAME.test(key) && !ABOUT_A_SECRET.test(key) && !PLAIN_VALUE.test(value)
    ? 'its name is that of a secret'
    : undefined;
}

const noSecrets: Rule = {
  name: 'no-secrets-in-configuration',
  intent: 'What is in Git and in a ConfigMap can be read by everyone who can read either.',
  check: (objects) => {
    const problems: Problem[] = [];
    const examine = (object: KubernetesObject, path: string, key: string, value: unknown): void => {
      const why = secretIn(key, value);
      // The value itself is not shown.
      if (why !== undefined) problems.push(problem(object, path, `${why}; a secret comes from an ExternalSecret`));
    };
    for (const map of configMaps(objects))
      for (const [key, value] of Object.entries(map.data ?? {})) examine(map, `data.${key}`, key, value);
    for (const workload of podOwners(objects))
      for (const container of containersOf(workload))
        for (const { name, value } of container.env ?? [])
          examine(workload, containerPath(container, `env[${name}]`), name, value);
    return problems;
  },
};

export const configurationRules: Rule[] = [text, noSecrets];
