import { execFileSync } from 'node:child_process';
import t from 'tap';
import { acceptancesIn, judge, linesToAccept, verdictOf } from '../../src/commands/acceptance.ts';
import type { ApplicationChange } from '../../src/commands/compare.ts';
import { difference } from '../../src/commands/values-in-words.ts';

const change = (application: string): ApplicationChange => ({
  ...{ application, step: 'merge', object: 'Ingress/app', path: 'x', before: 'a', after: 'b' },
  ...{ kind: 'load-balancer-replaced', effect: 'changed', consequence: 'the load balancer is replaced' },
});

t.test('what commits accept is no longer blocked, with its reason; what is about nothing is told', async (t) => {
  const folder = t.testdir();
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=T', '-c', 'user.email=t@localhost', ...args], {
      encoding: 'utf8',
    }).trim();
  const commit = (message: string): string => git('commit', '--quiet', '--allow-empty', '-m', message);
  git('init', '--quiet', '-b', 'main');
  commit('Before\n\nAccept: dev/app load-balancer-replaced: of an earlier merge');
  const base = git('rev-parse', 'HEAD');
  commit('One\n\nAccept: dev/app load-balancer-replaced: meant: see the plan\n\nAccept: dev/app immutable:\n');
  commit('* Squashed\n\n* Accept: staging/root (installed) immutable: deleted by hand');
  const found = await acceptancesIn(folder, base);
  t.match(found, [
    { application: 'staging/root (installed)', risk: 'immutable', reason: 'deleted by hand' },
    { application: 'dev/app', risk: 'load-balancer-replaced', reason: 'meant: see the plan' },
  ]);
  t.equal(found.length, 2, 'a line without a reason is none');

  const { changes, unused } = judge([change('dev/app'), change('production/app')], found);
  t.match(changes.map(verdictOf), ['ACCEPTED (meant: see the plan): ', 'BLOCKED: ']);
  t.same(linesToAccept(changes), ['Accept: production/app load-balancer-replaced: REASON']);
  t.match(unused, [{ application: 'staging/root (installed)' }]);
});

t.test('what differs shows, however long the values are', (t) => {
  const image = (tag: string): string => `111111111111.dkr.ecr.us-east-1.amazonaws.com/fastify-service:${tag}`;
  t.same(difference(image('0.1.0'), image('0.2.0')), ['…y-service:0.1.0', '…y-service:0.2.0']);
  t.same(difference('10m', '20m'), ['10m', '20m']);
  t.same(difference(undefined, image('1').slice(0, 60)), ['-', `${image('1').slice(0, 39)}…`]);
  const policy = (last: string): string => `${'p, role:on-call, applications, get, */*, allow\n'.repeat(20)}${last}`;
  const [before, after] = difference(policy('p, a'), policy('p; a'));
  t.not(before, after);
  t.ok(before.length <= 40 && after.length <= 40);
  t.same(difference({ a: 1 }, { a: 2 }), ['{"a":1}', '{"a":2}']);
  for (let at = 0; at < 200; at += 1) {
    const old = 'x'.repeat(200);
    const [left, right] = difference(old, `${old.slice(0, at)}y${old.slice(at + 1)}`);
    t.not(left, right, `at ${at}`);
  }
  t.end();
});
