import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { credentialSource } from '../../src/credentials.ts';
import { command, commandLine, environmentIn, KEYS } from '../command-in-tests.ts';

t.test('synth lists every stack with what it has and what it comes after', (t) => {
  const { status, stdout } = command(t, 'synth --json', { env: {} });
  t.equal(status, 0);
  t.match(JSON.parse(stdout), [{ name: /^bootstrap-/, account: /^\d{12}$/, region: 'us-east-1', after: [] }]);
  t.match(
    command(t, 'synth', { env: {} }).stdout,
    /^dev-network +111111111111 +us-east-1 +\d+ +bootstrap-111111111111$/m,
  );
  t.end();
});

t.test('credentials are found where the SDKs of AWS look', (t) => {
  const home = t.testdir({ '.aws': { credentials: '[default]\nx = 1\n', config: '[profile work]\nregion = x\n' } });
  const nobody = join(home, 'nobody');
  t.equal(credentialSource({}, nobody), undefined);
  t.equal(credentialSource({ AWS_ACCESS_KEY_ID: 'x' }, nobody), undefined, 'half of a key is none');
  t.equal(credentialSource(KEYS, nobody), 'AWS_ACCESS_KEY_ID');
  t.equal(credentialSource({ AWS_WEB_IDENTITY_TOKEN_FILE: '/x' }, nobody), 'AWS_WEB_IDENTITY_TOKEN_FILE');
  t.equal(credentialSource({}, home), 'profile default');
  t.equal(credentialSource({ AWS_PROFILE: 'work' }, home), 'profile work');
  t.equal(credentialSource({ AWS_PROFILE: 'other' }, home), undefined);
  t.equal(credentialSource({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/x' }, nobody), 'AWS_CONTAINER_CREDENTIALS');
  t.equal(credentialSource({ AWS_EC2_METADATA_DISABLED: 'false' }, nobody), 'the metadata of this EC2 machine');
  t.end();
});

t.test('whoever applies Argo CD needs an entry in the cluster, and is told which before anything is planned', (t) => {
  const applied = (arn: string) =>
    command(t, 'apply --stack dev-argocd --yes', {
      answers: [{ program: 'aws', to: 'get-caller-identity', stdout: `${arn}\n` }],
    });
  for (const role of ['platform-team', 'Platform-Team', 'gitops-platform-deploy-dev'])
    t.equal(applied(`arn:aws:sts::111111111111:assumed-role/${role}/alice`).status, 0, role);
  for (const arn of ['arn:aws:sts::111111111111:assumed-role/developers/bob', 'arn:aws:iam::111111111111:user/bob']) {
    const refused = applied(arn);
    t.equal(refused.status, 1);
    t.match(
      refused.stderr,
      new RegExp(
        `^error: clusters/dev/cluster.yaml:\\d+: api.adminRoles: must have the role of .*, and you are ${arn};`,
      ),
    );
    t.notMatch(refused.programs.calls().join('\n'), 'tofu apply');
  }
  t.end();
});

t.test('RECOVER=0 looks for nothing, RECOVER=yes for what a lost machine made', (t) => {
  const searches = (recover: string): readonly string[] =>
    command(t, 'apply --stack registry', { env: { ...KEYS, RECOVER: recover } })
      .programs.calls()
      .filter((call) => !/^tofu (init|plan|show|apply)/.test(call));
  t.same(searches('0'), []);
  t.same(searches('no'), []);
  t.not(searches('yes').length, 0);
  t.end();
});

t.test('interrupted at the terminal, it waits until OpenTofu has written down what it did', async (t) => {
  const folder = t.testdir({
    tofu:
      '#!/bin/sh\n[ "$1" = apply ] || exit 0\ntrap "sleep 0.3; echo written; exit 1" INT\n' +
      'echo applying\nwhile :; do sleep 0.05; done\n',
  });
  chmodSync(join(folder, 'tofu'), 0o755);
  // A group of its own, as a terminal makes one for a command.
  const child = spawn(...commandLine(['apply', '--stack', 'registry', '--yes']), {
    detached: true,
    env: { PATH: process.env.PATH, ...environmentIn(folder, folder), ...KEYS },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (chunk.includes('applying')) process.kill(-(child.pid ?? 0), 'SIGINT');
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  t.equal(code, 130);
  t.match(output, /applying\nwritten\n[^]*error: registry: apply failed/);
});

t.test('a lock is taken off by its number', (t) => {
  t.same(command(t, 'unlock --stack registry --id 6f1d').programs.calls(), [
    'tofu init -input=false -reconfigure',
    'tofu force-unlock 6f1d',
  ]);
  t.match(
    command(t, 'unlock --stack registry').stderr,
    /^error: ID \(--id\) is missing\n next: ID: the ID of the lock, as the refused apply prints it/,
  );
  t.end();
});

t.test('cost lists every cluster against its budget', (t) => {
  const { status, stdout } = command(t, 'cost', { env: {} });
  t.equal(status, 0);
  for (const cluster of ['dev', 'staging', 'production'])
    t.match(
      stdout,
      new RegExp(`^${cluster} +total with the expected nodes, of a budget of \\d+ +\\d+ +\\d+\\.\\d\\d$`, 'm'),
    );
  t.end();
});

t.test('kubeconfig hands over to the AWS CLI, with the cluster as the name of the context', (t) => {
  t.same(command(t, 'kubeconfig --cluster dev').programs.calls(), [
    'aws eks update-kubeconfig --name dev --region us-east-1 --alias dev',
  ]);
  t.match(
    command(t, 'kubeconfig --cluster dev', { programs: [] }).stderr,
    /^error: aws is needed and not on the PATH\n next: install the AWS CLI, version 2/,
  );
  const unknown = command(t, 'kubeconfig --cluster dev', {
    answers: [
      {
        program: 'aws',
        to: 'update-kubeconfig',
        code: 254,
        stderr: 'ResourceNotFoundException: No cluster found for name: dev.',
      },
    ],
  });
  t.equal(unknown.status, 1);
  t.match(
    unknown.stderr,
    /No cluster found for name: dev\.\n next: does the cluster exist, and are you allowed to describe it/,
  );
  t.end();
});

t.test('state is not moved while the settings keep it here', (t) => {
  t.match(
    command(t, 'migrate-state').stderr,
    /^error: clusters\/shared\/cluster\.yaml keeps the state on this machine\n next: set state: s3 there/,
  );
  t.end();
});

t.test('a protected cluster, and a name that is not typed, are left alone', (t) => {
  const production = command(t, 'destroy --cluster production --confirm production');
  t.match(
    production.stderr,
    /^error: clusters\/production\/cluster\.yaml:\d+: deletionProtection: must be false, and applied \(`make apply STACK=production-cluster`\)/,
  );
  const slip = command(t, 'destroy --cluster dev --confirm staging');
  t.match(slip, {
    status: 2,
    stderr: /^error: "staging" is not dev; nothing was deleted\n next: type dev, or set CONFIRM=dev/,
  });
  const nobody = command(t, 'destroy --cluster dev');
  t.match(nobody, { status: 2, stderr: /Type its name: .*error: "" is not dev; nothing was deleted/s });
  for (const { programs } of [production, slip, nobody]) t.same(programs.calls(), []);
  t.end();
});

t.test('drift plans what the plan role can read, goes through all of it, and fails where something differs', (t) => {
  const clean = command(t, 'drift', { env: { ...KEYS, CLUSTER: 'staging' } });
  t.equal(clean.status, 0, clean.stderr);
  t.same(
    [...clean.stdout.matchAll(/^(\S+)\nno differences$/gm)].map(([, stack]) => stack),
    ['bootstrap-222222222222', 'staging-network', 'staging-cluster'],
  );
  t.ok(clean.programs.calls().includes('tofu plan -input=false -lock=false -detailed-exitcode -no-color'));

  const changed = command(t, 'drift --cluster dev', {
    answers: [
      { program: 'tofu', to: 'plan', times: 1 },
      { program: 'tofu', to: 'plan', times: 1, code: 2, stdout: '~ aws_ecr_repository.fastify-service' },
      { program: 'tofu', to: 'plan', times: 2 },
    ],
  });
  t.equal(changed.status, 1);
  t.match(changed.stdout, /\nregistry\n~ aws_ecr_repository\.fastify-service\n\ndev-network\nno differences\n/);
  t.match(changed.stderr, /^AWS differs from the settings: registry$/m);

  const broken = command(t, 'drift --cluster dev', { answers: [{ program: 'tofu', to: 'plan', code: 1 }] });
  t.match(broken, { status: 1, stderr: /error: bootstrap-111111111111: plan failed\n/ });
  t.end();
});

t.test('ci-role prints the role of a job and hands it to the next steps; the state must be where they find it', (t) => {
  const output = join(t.testdir({ output: '' }), 'output');
  const push = command(t, 'ci-role --role image-push', { env: { GITHUB_OUTPUT: output } });
  t.match(push, { status: 0, stdout: 'arn:aws:iam::111111111111:role/gitops-platform-image-push in us-east-1\n' });
  t.equal(
    readFileSync(output, 'utf8'),
    'arn=arn:aws:iam::111111111111:role/gitops-platform-image-push\nregion=us-east-1\n',
  );
  t.match(command(t, 'ci-role --role plan --cluster dev', { env: {} }), {
    status: 1,
    stderr: /^error: the state is on one machine, where a CI job does not find it\n next: move it to S3 first/,
  });
  t.match(command(t, 'ci-role --role push', { env: {} }), {
    status: 2,
    stderr: /^error: --role: unknown value "push"/,
  });
  t.end();
});
