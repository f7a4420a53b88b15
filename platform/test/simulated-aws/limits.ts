import type { Thing } from './cloud.ts';
import type { Context } from './kind.ts';
import { LIMITS_OF_BILLING } from './limits/billing.ts';
import { LIMITS_OF_EC2 } from './limits/ec2.ts';
import { LIMITS_OF_EKS } from './limits/eks.ts';
import { LIMITS_OF_IAM } from './limits/iam.ts';
import type { Limits, Refusal } from './limits/limit.ts';
import { LIMITS_OF_MESSAGES } from './limits/messages.ts';
import { LIMITS_OF_STORAGE } from './limits/storage.ts';
import type { Values } from './values.ts';

// What AWS refuses of a type's arguments alone: names, lengths, what may be together, and how many of them there may be.
// Each with its source in AWS's documentation, and with what AWS refuses and the simulation does not know. The rules
// of what exists beside it are in the files of the services.

export const LIMITS: Readonly<Record<string, Limits>> = {
  ...LIMITS_OF_EC2,
  ...LIMITS_OF_IAM,
  ...LIMITS_OF_EKS,
  ...LIMITS_OF_STORAGE,
  ...LIMITS_OF_BILLING,
  ...LIMITS_OF_MESSAGES,
};

/** AWS General Reference, "Tag naming limits and requirements"; the same for all services, the words are of EC2. */
const TAGS: readonly Refusal[] = [
  {
    what: 'a tag whose key AWS keeps for itself',
    when: ({ values }) => tagsOf(values).some(([key]) => /^aws:/i.test(key)),
    error: ['InvalidParameterValue', 'Tag keys starting with aws: are reserved for internal use'],
  },
  {
    what: 'a tag whose key or value is too long',
    when: ({ values }) => tagsOf(values).some(([key, value]) => key.length > 128 || value.length > 256),
    error: ['InvalidParameterValue', 'Tag keys have 128 characters at most, and values 256'],
  },
  {
    what: 'more than 50 tags',
    when: ({ values }) => tagsOf(values).length > 50,
    error: ['TagLimitExceeded', 'The maximum number of tags has been reached'],
  },
];

const tagsOf = (values: Values): [string, string][] =>
  Object.entries((values.tags_all ?? {}) as Record<string, string>).map(([key, value]) => [key, value]);

/** Refuses arguments that AWS would not take. What is being created counts against the quota of its type. */
export function checkLimits(type: string, context: Context & { readonly thing?: Thing }): void {
  const { values, all, fail, thing } = context;
  const { quota, refuses = [] } = LIMITS[type] ?? {};
  for (const { when, error } of [...TAGS, ...refuses]) if (when(context)) fail(...error);
  if (quota === undefined || thing !== undefined) return;
  const place = quota.per?.(values);
  const others = all(type).filter((other) => quota.per?.(other.values) === place);
  if (others.length >= quota.most) fail(...quota.error);
}
