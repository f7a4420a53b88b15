import type { KubernetesObject } from '../kubernetes/object.ts';

/**
 * A pull request as Argo CD's generator describes it to templates: applicationset/generators/pull_request.go, in Go
 * templates. Its branch is found nowhere: the work tree stands for every revision.
 */
export const SAMPLE_PULL_REQUEST = {
  number: '1',
  title: 'A sample',
  branch: 'sample',
  branch_slug: 'sample',
  target_branch: 'main',
  target_branch_slug: 'main',
  head_sha: 'a'.repeat(40),
  head_short_sha: 'a'.repeat(8),
  head_short_sha_7: 'a'.repeat(7),
  author: 'developer',
  labels: ['preview'],
} as const;

/**
 * An ApplicationSet that lists one made-up pull request in place of those on GitHub, so that what it would deploy can be
 * rendered and checked. What the generator asks GitHub for stays a template: a fact that it lacks is an error.
 */
export function withSamplePullRequest(applicationSet: KubernetesObject): KubernetesObject {
  const replaced = JSON.stringify(applicationSet, (_, value: unknown) => {
    if (!isObject(value) || !isObject(value.pullRequest)) return value;
    const others = Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'pullRequest'));
    return { ...others, list: { elements: [{ ...SAMPLE_PULL_REQUEST, github: value.pullRequest.github }] } };
  });
  return JSON.parse(replaced) as KubernetesObject;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
