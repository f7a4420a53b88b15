import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { offeredAddons } from '@gitops/settings/eks-versions';
import { command, commandLine, environmentIn, KEYS } from '../command-in-tests.ts';

// How `make plan` and `make apply` call OpenTofu, what they ask and what they refuse.

/** Calls without the file of the plan. */
const withoutFiles = (calls: readonly string[]): string[] => calls.map((call) => call.replace(/ (-out=)?\/\S+$/, ''));

/** A plan that does one thing, beside something that stays. */
const planOf = (action: string, address: string): string => {
  const change = (actions: readonly string[], one: string) => ({
    address: one,
    mode: 'managed',
    change: { actions, before: actions[0] === 'create' ? null : { id: 'x' }, after: null },
  });
  return JSON.stringify({
    resource_changes: [change([action], address), change(['no-op'], 'aws_ecr_repository.other')],
  });
};

t.test('a plan goes through the stacks of a cluster in their order; the first that fails says what it needs', (t) => {
  const addons = { program: 'aws', to: 'describe-addon-versions', stdout: `${offeredAddons('1.36').join('\t')}\n` };
  const caller = {
    program: 'aws',
    to: 'get-caller-identity',
    stdout: 'arn:aws:sts::111111111111:assumed-role/platform-team/alice\n',
  };
  const whole = command(t, 'plan', { env: { ...KEYS, CLUSTER: 'dev' }, answers: [addons, caller] });
  t.equal(whole.status, 0, whole.stderr);
  const init = 'tofu init -input=false -reconfigure';
  const planned = ['tofu plan -input=false -lock=false', 'tofu show -json'];
  const pull = 'tofu state pull';
  // What the network has decides whether it can change, and what the cluster runs whether it can be upgraded.
  const calls = withoutFiles(whole.programs.calls()).map((call) => call.replace(/^(aws \S+ \S+) .*/, '$1'));
  t.same(calls, [
    ...[init, 'aws ec2 describe-availability-zones', pull, ...planned],
    ...[init, 'aws service-quotas list-service-quotas', 'aws ec2 describe-volumes'],
    // One call for each type of nodes.
    ...['aws ec2 describe-instance-type-offerings', 'aws ec2 describe-instance-type-offerings'],
    ...[pull, 'aws eks describe-addon-versions', ...planned],
    ...[init, 'aws sts get-caller-identity', pull, ...planned],
  ]);
  t.match(whole.stdout, /dev-network\n[^]*dev-cluster\n[^]*dev-argocd\n/);

  const broken = command(t, 'plan --cluster dev', {
    answers: [
      addons,
      { program: 'tofu', to: 'tofu plan', times: 1 },
      { program: 'tofu', to: 'tofu plan', code: 1, stderr: 'Error: no network' },
    ],
  });
  t.equal(broken.status, 1);
  t.match(
    broken.stderr,
    /Error: no network\s*error: dev-cluster: plan failed\n next: read the messages above; a first plan needs the stack before it: `make apply STACK=dev-network`/,
  );
  t.equal(broken.programs.calls().filter((call) => call.startsWith('tofu')).length, 7);
  t.end();
});

t.test('an add-on that EKS lacks and a zone with volumes are refused by plan as by apply, with file and line', (t) => {
  const refused = (answer: { to: string; stdout: string }): string =>
    command(t, 'plan --stack dev-cluster', { answers: [{ program: 'aws', ...answer }] }).stderr;
  t.match(
    refused({ to: 'describe-addon-versions', stdout: 'coredns\tvpc-cni\n' }),
    /^error: clusters\/shared\/cluster\.yaml:\d+: kubernetesVersion: must be a version that EKS has every add-on for; /,
  );
  t.match(
    refused({ to: 'describe-volumes', stdout: 'vol-1\tus-east-1f\n' }),
    /^error: clusters\/\w+\/cluster\.yaml:\d+: network\.zones: must keep the zones of .*: vol-1 in us-east-1f; /,
  );
  t.end();
});

t.test('what takes something down is refused, by plan and by apply, unless ACCEPT names it', (t) => {
  const answers = [{ program: 'tofu', to: 'show -json', stdout: planOf('delete', 'aws_ecr_repository.x') }];
  const refused = (line: string, env: object = {}): boolean => {
    const { stderr, programs } = command(t, line, { env: { ...KEYS, ...env }, answers });
    const isRefused = stderr.includes(
      'error: registry: aws_ecr_repository.x would be deleted, which no setting explains',
    );
    const isApplied = programs.calls().some((call) => call.startsWith('tofu apply'));
    t.notOk(isRefused && isApplied);
    if (isRefused) t.match(stderr, / next: find out why; .* with ACCEPT=registry\/aws_ecr_repository\.x\n/);
    return isRefused;
  };
  t.ok(refused('plan --stack registry'));
  t.ok(refused('apply --stack registry --yes'), 'a robot says yes once');
  t.ok(refused('apply --stack registry --yes', { ACCEPT: 'dev-cluster/aws_ecr_repository.x,registry/aws_ecr' }));
  t.notOk(refused('plan --stack registry', { ACCEPT: 'registry/aws_ecr_repository.x' }));
  t.notOk(refused('apply --stack registry --yes --accept registry/aws_ecr_repository.x'));
  t.end();
});

t.test(
  'credentials that expire are said in a line, and a state that could not be stored is stored by the next',
  (t) => {
    const folder = t.testdir({
      tofu:
        '#!/bin/sh\necho "$1 $2" >> "$HOME/calls"\n[ "$1" = apply ] && [ ! -e "$HOME/again" ] || exit 0\n' +
        'echo "{}" > errored.tfstate\necho "Error: failed to upload state: ExpiredToken: The provided token has expired." >&2\nexit 1\n',
    });
    chmodSync(join(folder, 'tofu'), 0o755);
    const apply = (line = 'apply --stack registry --yes') =>
      spawnSync(...commandLine(line.split(' ')), {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, ...environmentIn(folder, folder), ...KEYS },
      });
    const first = apply();
    t.equal(first.status, 1);
    t.match(first.stdout, /the state could not be stored; it is kept on this machine, and the next `make apply` here /);
    t.match(
      first.stderr,
      /ExpiredToken: [^]*error: registry: apply failed: the credentials for AWS have expired\n next: log in again, and run/,
    );
    t.match(
      apply('plan --stack registry').stdout,
      /the last apply could not store its state; `make apply` stores it first/,
    );
    writeFileSync(join(folder, 'again'), '');
    writeFileSync(join(folder, 'calls'), '');
    const second = apply();
    t.equal(second.status, 0, second.stderr);
    t.match(second.stdout, /the state that the last apply could not store is stored now/);
    t.same(readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n'), [
      'init -input=false',
      'state push',
      'plan -input=false',
      'show -json',
      'apply -input=false',
    ]);
    t.notMatch(apply().stdout, /could not store/, 'once');
    t.end();
  },
);

t.test('an apply asks, unless YES or --yes switches that off; YES=no does not', (t) => {
  const before = ['tofu init -input=false -reconfigure', 'tofu plan -input=false', 'tofu show -json'];
  for (const [line, yes, isApplied] of [
    ['apply --stack registry', undefined, false],
    ['apply --stack registry', 'no', false],
    ['apply --stack registry', '0', false],
    ['apply --stack registry --no-yes', 'yes', false],
    ['apply --stack registry --yes', undefined, true],
    ['apply --stack registry', 'yes', true],
    ['apply --stack registry', '1', true],
  ] as const) {
    const answers = [{ program: 'tofu', to: 'show -json', stdout: planOf('create', 'aws_ecr_repository.x') }];
    const { status, programs, stderr } = command(t, line, { env: { ...KEYS, YES: yes }, answers });
    t.same(
      withoutFiles(programs.calls()),
      [...before, ...(isApplied ? ['tofu apply -input=false'] : [])],
      `${line}, YES=${String(yes)}: ${stderr}`,
    );
    if (isApplied) t.equal(status, 0);
    else t.match(stderr, /Only yes is a yes: error: registry: not applied\n next: type yes, or set YES=yes\n$/);
  }
  t.equal(command(t, 'apply --stack registry').status, 0, 'nothing is asked where nothing changes');
  const unclear = command(t, 'apply --stack registry', { env: { ...KEYS, YES: 'dev' } });
  t.match(unclear, { status: 2, stderr: /^error: YES: must be yes or no \(it is "dev"\)\n/ });
  t.same(unclear.programs.calls(), []);
  t.end();
});
