import type { KubernetesObject } from './object.ts';

// What looks like a secret: by the form of a value, or by the name of its key.

const VALUES: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  ['an access key of AWS', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['a token of GitHub', /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})/],
  ['a token of GitLab', /\bglpat-[A-Za-z0-9_-]{20,}/],
  ['a token of Slack', /\bxox[abeprs]-[A-Za-z0-9-]{10,}/],
  ['the address of a Slack webhook', /\bhooks\.slack\.com\/services\/[A-Z0-9]+\/[A-Z0-9]+\/[A-Za-z0-9]+/],
  ['a key of Google', /\bAIza[0-9A-Za-z_-]{35}/],
  ['a key of Stripe', /\b[rs]k_live_[0-9A-Za-z]{16,}/],
  ['a JSON Web Token', /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\./],
  ['the hash of a password', /\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{20,}/],
  ['an address with a password', /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@{}$<>]+:[^\s@/{}$<>]+@/i],
];

const WORDS = [
  'pass(?:word|wd|phrase)?(?:-hash)?',
  'client-secret',
  'token',
  'credentials?',
  '(?:api|access|private|signing|encryption|account|shared)-key',
  'dsn',
];
const NAME = new RegExp(`(?:^|-)(?:${WORDS.join('|')})$`);
// In an environment a bare SECRET is one; among Kubernetes' values, existingSecret is the name of an object.
const BARE_SECRET = /(?:^|[_.-])secret$/i;
const PLAIN = /^(?:|true|false|null|~|\d+(?:ms|s|m|h|d)?)$/;
// $oidc.clientSecret of Argo CD, $(VARIABLE) of Kubernetes, {{ .Values.x }} of templates: the secret is elsewhere.
const ELSEWHERE = /^(?:\$[A-Za-z({]|\{\{|<[^>]*>$)/;

/** Why a value looks like a secret, `has a private key`; undefined where it does not. */
export function secretIn(key: string, value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const what = VALUES.find(([, pattern]) => pattern.test(value))?.[0];
  if (what !== undefined) return `has ${what}`;
  if (PLAIN.test(value) || ELSEWHERE.test(value)) return undefined;
  // clientSecret, CLIENT_SECRET and oidc.client-secret are one name.
  const name = key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll(/[_.]/g, '-')
    .toLowerCase();
  return NAME.test(name) || BARE_SECRET.test(key) ? 'has the name of a secret' : undefined;
}

/** A secret in a text of several lines. */
export interface SecretLine {
  /** Counted from 0. */
  readonly line: number;
  readonly key: string;
  readonly why: string;
  /** As it is written, in quotes if it has some. */
  readonly value: string;
}

// `key: value` anywhere in a line, so that text within text, flow maps and JSON are read too.
const PAIR = /(?:^|[\s{,[(-])(["']?)([A-Za-z_][\w./-]*)\1:\s+("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#{[|>&*!,][^\s,}]*)/g;

// Most lines have none of these words, and most texts no such value.
const HINT = /pass|secret|token|credential|key|dsn|name|value/i;
// How far `value` may stand below its `name`.
const NEAR = 2;

/** The secrets in a text of YAML, or of anything that has lines of `key: value`. */
export function secretLines(text: string): SecretLine[] {
  const found: SecretLine[] = [];
  const forms = VALUES.filter(([, pattern]) => pattern.test(text));
  let name = { text: '', line: 0 };
  for (const [line, content] of text.split('\n').entries()) {
    const before = found.length;
    const form = forms.find(([, pattern]) => pattern.test(content));
    const isRead = !isComment(content) && (form !== undefined || HINT.test(content));
    const pairs = isRead ? content.matchAll(PAIR) : [];
    for (const [, , key = '', value = ''] of pairs) {
      const plain = value.replaceAll(/^["']|["']$/g, '');
      if (key === 'name') name = { text: plain, line };
      // `name: X` and `value: Y`, as parameters of Helm and variables of a container have it.
      const meant = key === 'value' && line - name.line <= NEAR ? name.text : key;
      const why = secretIn(meant, plain);
      if (why !== undefined) found.push({ line, key: meant, why, value });
    }
    if (form !== undefined && found.length === before)
      found.push({ line, key: '', why: `has ${form[0]}`, value: form[1].exec(content)?.[0] ?? '' });
  }
  return found;
}

const isComment = (line: string): boolean => line.trimStart().startsWith('#');

export const HIDDEN = '(hidden)';

/** A text without the secrets in it. */
export function withoutSecretLines(text: string): string {
  const lines = text.split('\n');
  for (const { line, value } of secretLines(text)) lines[line] = (lines[line] ?? '').replace(value, () => HIDDEN);
  return lines.join('\n');
}

/** An object as it may be printed: without the data of a Secret, and without what looks like a secret anywhere else. */
export function withoutSecrets(object: KubernetesObject): KubernetesObject {
  // A definition has megabytes of descriptions and no values.
  if (object.kind === 'CustomResourceDefinition') return object;
  if (object.kind !== 'Secret') return hiddenIn('', object) as KubernetesObject;
  const { data, stringData, ...rest } = object;
  const keys = Object.keys({ ...(data as object), ...(stringData as object) });
  // As `data`, for which it is no Base64: nobody can apply it by mistake.
  return keys.length === 0 ? object : { ...rest, data: Object.fromEntries(keys.map((key) => [key, HIDDEN])) };
}

/** A value without the secrets in it. */
export function hiddenIn(key: string, value: unknown): unknown {
  if (typeof value === 'string') {
    if (value.includes('\n')) return withoutSecretLines(value);
    return secretIn(key, value) === undefined ? value : HIDDEN;
  }
  if (Array.isArray(value)) return value.map((item) => hiddenItem(key, item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([inner, item]) => [inner, hiddenIn(inner, item)]));
}

/** One of a list, such as a variable with its name and value. */
function hiddenItem(key: string, item: unknown): unknown {
  const hidden = hiddenIn(key, item);
  if (typeof item !== 'object' || item === null || !('name' in item) || !('value' in item)) return hidden;
  return { ...(hidden as object), value: hiddenIn(String(item.name), item.value) };
}

/** What differs in an object, as far as it is read here. */
interface ObjectChange {
  /** Deployment/fastify-service */
  readonly object: string;
  /** Empty for a whole object. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Whether a change is one of a Secret's data. */
export const isOfSecretData = ({ object, path }: Pick<ObjectChange, 'object' | 'path'>): boolean =>
  object.startsWith('Secret/') && /^(data|stringData)\b/.test(path);

/** A change without the secrets in it. */
export function changeWithoutSecrets<Found extends ObjectChange>(change: Found): Found {
  const hide = (value: unknown): unknown => {
    if (value === undefined) return undefined;
    if (isOfSecretData(change)) return HIDDEN;
    return change.path === '' ? withoutSecrets(value as KubernetesObject) : hiddenIn(lastKeyOf(change.path), value);
  };
  return { ...change, before: hide(change.before), after: hide(change.after) };
}

/** oidc.config of data[oidc.config], API_KEY of spec.….env[API_KEY].value */
const lastKeyOf = (path: string): string =>
  /(?:\.|\[)([^.[\]]+|(?<=\[)[^\]]+)\]?(?:\.value)?$/.exec(`.${path}`)?.[1] ?? '';
