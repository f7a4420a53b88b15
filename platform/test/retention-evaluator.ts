import type { LifecyclePolicy, LifecycleRule } from '../src/retention.ts';

/** An image of a repository, as ECR's rules see it. */
export interface StoredImage {
  readonly digest: string;
  readonly tags: readonly string[];
  /** In days. */
  readonly pushedAt: number;
}

const DAY = 1;

/**
 * The images that a lifecycle policy expires now, by ECR's rules (ECR user guide, "How lifecycle policies work in
 * ECR"): all rules are evaluated, then applied by priority; a rule selects as if nothing were expired; an image that a
 * rule selects is out of reach for all rules after it; the newest are kept.
 * @param now in days
 */
export function expired({ rules }: LifecyclePolicy, images: readonly StoredImage[], now: number): StoredImage[] {
  const outOfReach = new Set<StoredImage>();
  const gone: StoredImage[] = [];
  for (const rule of rules.toSorted((a, b) => a.rulePriority - b.rulePriority)) {
    const selects = selectorOf(rule);
    const selected = images.filter(selects);
    gone.push(...overdue(rule, selected, now).filter((image) => !outOfReach.has(image)));
    for (const image of selected) outOfReach.add(image);
  }
  return gone;
}

type Selector = (image: StoredImage) => boolean;
// A policy is evaluated many thousand times.
const selectors = new WeakMap<LifecycleRule, Selector>();

/** Whether a rule looks at an image. */
function selectorOf(rule: LifecycleRule): Selector {
  const known = selectors.get(rule) ?? newSelector(rule);
  selectors.set(rule, known);
  return known;
}

function newSelector({ selection: { tagStatus, tagPatternList, tagPrefixList } }: LifecycleRule): Selector {
  if (tagStatus === 'untagged') return ({ tags }) => tags.length === 0;
  if (tagStatus === 'any') return () => true;
  const patterns = [
    ...(tagPatternList ?? []).map((pattern) => new RegExp(`^${pattern.split('*').map(literal).join('.*')}$`)),
    ...(tagPrefixList ?? []).map((prefix) => new RegExp(`^${literal(prefix)}`)),
  ];
  return ({ tags }) => patterns.length > 0 && patterns.every((pattern) => tags.some((tag) => pattern.test(tag)));
}

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function overdue(
  { selection: { countType, countNumber } }: LifecycleRule,
  images: readonly StoredImage[],
  now: number,
): readonly StoredImage[] {
  if (countType === 'sinceImagePushed') return images.filter(({ pushedAt }) => now - pushedAt >= countNumber * DAY);
  return images.toSorted((a, b) => b.pushedAt - a.pushedAt).slice(countNumber);
}
