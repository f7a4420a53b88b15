import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import t from 'tap';
import { command } from '../command.ts';
import { copy, edit, lacksCharts } from '../helper.ts';

const git = (folder: string, ...args: string[]): void => {
  const { status, stderr } = spawnSync(
    'git',
    ['-C', folder, '-c', 'user.name=Test', '-c', 'user.email=test@localhost', ...args],
    {
      encoding: 'utf8',
      env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CEILING_DIRECTORIES: resolve(folder, '..') },
    },
  );
  if (status !== 0) throw new Error(stderr);
};

t.test('no command prints a secret that somebody wrote into the values', { skip: lacksCharts('argo-cd') }, (t) => {
  const folder = copy(t);
  git(folder, 'init', '-q', '-b', 'main');
  git(folder, 'add', '-A');
  git(folder, 'commit', '-qm', 'before');
  const values = [
    'configs:',
    '  secret:',
    '    extra:',
    '      oidc.clientSecret: hunter2',
    '      plain: hunter2',
    '  cm:',
    '    oidc.config: |',
    '      clientSecret: hunter2',
    'notifications:',
  ];
  edit(folder, 'clusters/production/argocd.yaml', 'notifications:', values.join('\n'));
  const of = ['--cluster', 'production', '--app', 'argocd'];
  const secret = /hunter2|aHVudGVyMg/;
  for (const args of [
    ['render', ...of],
    ['diff', '--base', 'main', '--json'],
    ['explain', ...of, 'configs.secret.extra'],
  ]) {
    const { stdout, stderr } = command(folder, args);
    t.notMatch(stdout + stderr, secret, args.join(' '));
    t.match(stdout, /\(hidden\)/, args.join(' '));
  }
  t.end();
});
