import { configMaps, containersOf, workloads } from '../../kubernetes/workload.ts';
import { problem, type Rule, seen } from './rule.ts';

const text: Rule = {
  name: 'configuration-is-text',
  intent: 'A ConfigMap takes text alone: an unquoted yes or 8080 is refused by the API server.',
  check: (objects) =>
    configMaps(objects).flatMap((map) =>
      Object.entries(map.data ?? {})
        .filter(([, value]) => typeof value !== 'string')
        .map(([key, value]) => problem(map, `data.${key}`, `must be text ${seen(value)}`)),
    ),
};

const SECRET_NAME =
  /(?:^|[_-])(?:pass(?:word|wd|phrase)?|secret|token|credentials?|(?:api|access|private|signing|encryption)[_-]?key|dsn)(?:$|[_-])/i;
// Where a secret lies or how long it lives is none itself.
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
    ? 'is named as a secret'
    : undefined;
}

const noSecrets: Rule = {
  name: 'no-secrets-in-configuration',
  intent: 'What is in Git and in a ConfigMap can be read by everyone who can read either.',
  check: (objects) => {
    // The value itself is not shown.
    const rule = (why: string): string => `${why}; a secret comes from an ExternalSecret`;
    return [
      ...configMaps(objects).flatMap((map) =>
        Object.entries(map.data ?? {}).flatMap(([key, value]) =>
          secretIn(key, value) === undefined ? [] : [problem(map, `data.${key}`, rule(secretIn(key, value) ?? ''))],
        ),
      ),
      ...workloads(objects).flatMap((workload) =>
        containersOf(workload).flatMap((container) =>
          (container.env ?? []).flatMap(({ name, value }) =>
            secretIn(name, value) === undefined
              ? []
              : [
                  problem(
                    workload,
                    `spec.template.spec.containers[${container.name}].env[${name}]`,
                    rule(secretIn(name, value) ?? ''),
                  ),
                ],
          ),
        ),
      ),
    ];
  },
};

export const configurationRules: Rule[] = [text, noSecrets];
