import t from 'tap';
import { command } from '../command.ts';
import { copy, edit, git, lacksCharts } from '../helper.ts';

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
