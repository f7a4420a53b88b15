import fc from 'fast-check';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import t from 'tap';
import { judge, type JudgedChange } from '../../src/commands/acceptance.ts';
import type { ApplicationChange } from '../../src/commands/compare.ts';
import { diffComment, failedComment, LONGEST_COMMENT } from '../../src/commands/diff-comment.ts';
import { type Risk, riskOf, RISKS } from '../../src/kubernetes/risk.ts';

const change = (over: Partial<ApplicationChange> = {}): ApplicationChange => ({
  ...{ application: 'dev/app', step: 'merge', object: 'Deployment/app', path: 'spec.x', before: 1, after: 2 },
  ...{ kind: 'change', effect: 'changed' },
  consequence: 'is changed in place',
  ...over,
});
/** As nobody accepted any, or all of the dangerous ones for a reason. */
const judged = (changes: readonly ApplicationChange[], reason?: string): readonly JudgedChange[] =>
  judge(changes, []).changes.map((each) =>
    each.isBlocked && reason !== undefined ? { ...each, isBlocked: false, accepted: reason } : each,
  );
const image = 'spec.template.spec.containers[api].image';
const restart = { kind: 'pod-restart', consequence: 'every pod is replaced' } as const;

/** One change of each risk, as `diff` finds it. */
const examples: Readonly<Record<Risk, ApplicationChange>> = {
  'data-lost': change({
    object: 'PersistentVolumeClaim/data',
    path: '',
    kind: 'removed',
    effect: 'deleted',
    after: undefined,
  }),
  'application-deleted': change({
    object: 'Application/app',
    path: '',
    kind: 'application-deleted',
    effect: 'deleted',
  }),
  immutable: change({ kind: 'immutable', path: 'spec.selector' }),
  'not-permitted': change({
    object: 'Application/app',
    path: 'spec.project',
    kind: 'not-permitted',
    effect: 'refused',
  }),
  'subnet-replaced': change({ object: 'Subnet/private-a', path: 'cidr', kind: 'subnet-replaced', effect: 'recreated' }),
  'load-balancer-replaced': change({ object: 'Ingress/app', kind: 'load-balancer-replaced' }),
  'out-of-order': change({ object: 'ApplicationSet/argocd', kind: 'out-of-order' }),
  removed: change({ object: 'Service/app', path: '', kind: 'removed', after: undefined }),
  'replicas-to-zero': change({ path: 'spec.replicas', after: 0 }),
  image: change({ path: image, ...restart }),
  'replicas-handover': change({ path: 'spec.replicas', kind: 'replicas-handover', after: undefined }),
  'pod-restart': change({ path: 'spec.template.spec.priorityClassName', ...restart }),
  change: change({ path: 'spec.replicas', after: 3 }),
};

t.test('every risk is recognized', (t) => {
  for (const { id } of RISKS) t.equal(riskOf(examples[id]), id);
  t.end();
});

t.test('risks come first, in the list and in each application; all is grouped and folded', (t) => {
  const all = RISKS.map(({ id }) => examples[id]);
  const more = change({ application: 'production/app', path: 'spec.y' });
  const text = diffComment({ changes: judged([more, ...[...all].reverse()]), unchecked: ['dev/loki'], base: 'main' });
  t.match(
    text,
    /^### What this merge changes in the clusters\n\nCompared with <code>main<\/code>, changes: 14, in applications: 2\. \*\*Must not be merged as they are: 7\.\*\*\n/,
  );
  const titles = RISKS.map(({ title }) => text.indexOf(`${title}: `));
  t.ok(titles.every((at) => at > 0));
  t.strictSame(
    titles,
    [...titles].sort((a, b) => a - b),
  );
  t.match(text, '- **blocked**, immutable fields: the sync fails: 1 (<code>dev/app</code>)');
  t.match(
    text,
    'Meant? Then add to the message of a commit, with the reason:\n\n```\nAccept: dev/app data-lost: REASON\n',
  );
  const order = [
    'PersistentVolumeClaim/data',
    'spec.selector',
    'Ingress/app',
    'ApplicationSet/argocd',
    'Service/app',
    image,
  ].map((each) => text.indexOf(each, text.indexOf('<details>')));
  t.strictSame(
    order,
    [...order].sort((a, b) => a - b),
  );
  t.ok(
    text.indexOf('<summary><code>dev</code>: 13') < text.indexOf('<summary><code>production</code>: 1 (0 with risk)'),
  );
  t.match(text, `! Deployment/app ${image}: every pod is replaced\n- 1\n+ 2\n`);
  t.match(text, '! BLOCKED: PersistentVolumeClaim/data: ');
  t.match(text, 'Not compared, since their charts are not on the machine that rendered this: <code>dev/loki</code>.');
  t.match(
    diffComment({ changes: [], unchecked: [], base: 'main' }),
    /\n\nNothing, compared with <code>main<\/code>\.\n$/,
  );
  t.end();
});

/** What is left of a text as GitHub shows it when the content of code is taken out. */
function outsideOfCode(text: string): string {
  const html = micromark(text, { extensions: [gfm()], htmlExtensions: [gfmHtml()], allowDangerousHtml: true });
  return html.replaceAll(/<code[^>]*>[^<]*<\/code>/g, '<code></code>');
}

const nasty = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc
      .array(
        fc.constantFrom(
          ...[
            '`',
            '```',
            '````````',
            '\n',
            '\r\n',
            '\u2028',
            '\u202e',
            '|',
            '</details>',
            '</code>',
            '<!--',
            '-->',
            '\\',
          ],
          ...[
            '@acme/team',
            '#1',
            'https://evil.example',
            '[x](javascript:1)',
            '**',
            '~~~',
            '    ',
            '\n\n# ',
            '&lt;',
            '$(id)',
          ],
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join('')),
  )
  .map((text) => `EVIL${text}EVIL`);
const values = fc.oneof(nasty, fc.constant(undefined), fc.integer(), fc.record({ key: nasty }));
const changes = fc.record({
  application: fc.tuple(nasty, nasty).map((names) => names.join('/')),
  ...{ object: nasty, path: fc.oneof(nasty, fc.constant('')), consequence: nasty, before: values, after: values },
  step: fc.constantFrom('merge', 'apply'),
  effect: fc.constantFrom('changed', 'deleted', 'refused'),
  kind: fc.constantFrom('immutable', 'load-balancer-replaced', 'pod-restart', 'removed', 'replicas-handover', 'change'),
}) as fc.Arbitrary<ApplicationChange>;

t.test('whatever names and values hold: no markup, no mention, no link, and never too long', (t) => {
  fc.assert(
    fc.property(
      fc.array(changes, { maxLength: 12 }),
      fc.array(nasty, { maxLength: 12 }),
      nasty,
      fc.constantFrom(5000, 9000, LONGEST_COMMENT),
      fc.option(nasty, { nil: undefined }),
      (all, unchecked, base, longest, reason) => {
        const text = diffComment({ changes: judged(all, reason), unchecked, base }, longest);
        if (longest === LONGEST_COMMENT) t.ok(text.length <= longest, `${text.length} characters`);
        t.notMatch(text, /[\p{Cf}\p{Zl}\r]/u, 'nothing that reorders or hides text');
        const rest = outsideOfCode(text);
        t.notMatch(rest, /EVIL|@|evil\.example|<a |<!--/);
        t.equal(rest.split('<details>').length, rest.split('</details>').length, 'all that is opened is closed');
      },
    ),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(nasty, (problem) => {
      t.notMatch(outsideOfCode(failedComment(problem)), /EVIL|@/);
    }),
    { numRuns: 1000 },
  );
  t.end();
});

t.test('what does not fit is what has the least risk, and the comment says how much that is', (t) => {
  const many = Array.from({ length: 2000 }, (_, number) =>
    change({ application: `dev/app-${number % 200}`, path: `spec.field${number}`, before: 'x'.repeat(200) }),
  );
  const text = diffComment({ changes: judged([...many, ...Object.values(examples)]), unchecked: [], base: 'main' });
  t.ok(text.length <= LONGEST_COMMENT && text.length > LONGEST_COMMENT - 1000, `${text.length} characters`);
  const [, left] = /are left out; `make diff` shows all:\n\n- created, or changed in place: (\d+) \(/.exec(text) ?? [];
  const shown = text.match(/^! /gm)?.length ?? 0;
  t.equal(shown + Number(left), many.length + Object.keys(examples).length);
  t.ok(shown > 100, `${shown} are shown`);
  for (const { id } of RISKS.slice(0, -1)) t.ok(text.includes(`! ${id === 'data-lost' ? 'BLOCKED: ' : ''}`), id);
  t.match(text, 'PersistentVolumeClaim/data');
  const harmless = text.slice(0, text.indexOf('<details>'));
  t.match(harmless, 'pods restarted: 1', 'the list of risks is whole');
  t.end();
});
