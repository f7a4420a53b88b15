import { resolve } from 'node:path';
import { readYamlFile } from '@gitops/settings/yaml-file';

/** The most that a change of a setting does in AWS. */
export const EFFECTS = ['in place', 'new before old', 'nothing', 'refused'] as const;

export type Effect = (typeof EFFECTS)[number];

export const ACTIONS = ['create', 'update', 'delete', 'replace', 'renew', 'elsewhere'] as const;

/**
 * What a plan does with a resource; `renew` creates the new one before it deletes the old one. OpenTofu renews what
 * something else that is renewed depends on, so a pattern with `replace` is of both.
 */
export type Action = (typeof ACTIONS)[number];

/** A kind of change in a plan. */
export interface Pattern {
  readonly action: Action;
  readonly address: RegExp;
  /** An argument, `scaling_config.0.min_size`; undefined for any. */
  readonly path: string | undefined;
  /** The value of the argument in something that is new or deleted; undefined for any. */
  readonly value: RegExp | undefined;
}

/** What a change of one setting does in AWS, as platform/data/setting-changes.yaml has it. */
export interface SettingChange {
  /** nodeGroup.instanceType */
  readonly key: string;
  readonly effect: Effect;
  readonly words: string;
  readonly around: string | undefined;
  readonly shows: readonly Pattern[];
  readonly with: readonly Pattern[];
  readonly asks: readonly Pattern[];
  readonly never: readonly Pattern[];
}

type Row = Readonly<Record<string, unknown>>;

const FILE = 'platform/data/setting-changes.yaml';

/** The table of all settings. Throws an Error with its problems where it cannot be read. */
export function readSettingChanges(): readonly SettingChange[] {
  const { content, problems } = readYamlFile(resolve(import.meta.dirname, '../../..'), FILE);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return Object.entries(content).map(([key, row]) => settingChange(key, row as Row));
}

function settingChange(key: string, row: Row): SettingChange {
  const { effect, words, around, shows, with: also, asks, never, ...unknown } = row;
  const known = EFFECTS.find((candidate) => candidate === effect);
  if (known === undefined || typeof words !== 'string' || Object.keys(unknown).length > 0)
    throw new Error(`${FILE}: ${key}: invalid row ${JSON.stringify(row)}`);
  return {
    key,
    effect: known,
    words,
    around: typeof around === 'string' ? around : undefined,
    shows: patterns(shows),
    with: patterns(also),
    asks: patterns(asks),
    never: patterns(never),
  };
}

const patterns = (texts: unknown = []): Pattern[] => (texts as readonly string[]).map(patternFrom);

const FORM = /^(\w+) (\S+)(?: ([^\s=]+)(?:=(\S+))?)?$/;

/** `ACTION ADDRESS [PATH[=VALUE]]` */
function patternFrom(text: string): Pattern {
  const [, verb, address = '', path, value] = FORM.exec(text) ?? [];
  const action = ACTIONS.find((candidate) => candidate === verb);
  if (action === undefined) throw new Error(`${FILE}: ${JSON.stringify(text)} is no change of a plan`);
  return { action, address: glob(address), path, value: value === undefined ? undefined : glob(value) };
}

const glob = (text: string): RegExp =>
  new RegExp(`^${text.replaceAll(/[.*+?^${}()|[\]\\]/g, (sign) => (sign === '*' ? '.*' : `\\${sign}`))}$`);
