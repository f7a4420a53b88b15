import type { IncomingHttpHeaders } from 'node:http';

/** What the conditions of a request lead to (RFC 9110, 13.2.2): go on, 304 or 412. */
export type Outcome = 'proceed' | 'not-modified' | 'failed';

/**
 * Evaluates If-Match and If-None-Match. Dates are not looked at, since no answer has one.
 * @param etag the strong entity tag of what a GET would answer with 200; undefined where the resource has no such thing
 */
export function evaluateConditions(
  { 'if-match': ifMatch, 'if-none-match': ifNoneMatch }: IncomingHttpHeaders,
  method: string,
  etag: string | undefined,
): Outcome {
  // If-Match compares strongly: a weak tag never matches.
  if (
    ifMatch !== undefined &&
    !(ifMatch.trim() === '*' ? etag !== undefined : tagsOf(ifMatch).some((tag) => tag === etag))
  )
    return 'failed';
  if (ifNoneMatch === undefined) return 'proceed';
  const matches =
    ifNoneMatch.trim() === '*'
      ? etag !== undefined
      : tagsOf(ifNoneMatch).some((tag) => tag.replace(/^W\//, '') === etag);
  if (!matches) return 'proceed';
  return method === 'GET' || method === 'HEAD' ? 'not-modified' : 'failed';
}

/** The entity tags of a list; what is not a tag is passed over. A tag may hold commas, so that no split would do. */
function tagsOf(header: string): string[] {
  return Array.from(header.matchAll(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g), ([tag]) => tag);
}
