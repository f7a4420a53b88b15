import t from 'tap';
import { isSettled } from '@gitops/local';
import { APP, Stack, until } from '../src/stack.ts';

// What `make ship`, `make deploy` and `make status` say: what overtook a ship, what Argo CD refuses, and nothing of the past.

const stack = await Stack.open();
const set = `argocd/applications/${APP}.yaml`;
const service = `charts/${APP}/templates/service.yaml`;

const PATIENCE = 120_000;

const isAtRest = async (): Promise<true> =>
  until(`${APP} at rest`, async () => (isSettled(await stack.application()) ? true : undefined), PATIENCE);

const statusSays = async (line: string): Promise<true> =>
  until(line, async () => ((await stack.make('status')).stdout.includes(line) ? true : undefined), PATIENCE);

t.before(isAtRest);

t.test('ships that race: each one shows its own image, or what overtook it', async (t) => {
  const tags = ['21.0.0', '21.0.1', '21.0.2'];
  const results = await Promise.all(tags.map(async (tag) => stack.make('ship', '--tag', tag)));
  let overtaken = 0;
  for (const [index, { code, stdout, stderr }] of results.entries()) {
    const tag = tags[index] ?? '';
    t.equal(code, 0, `${tag} ${stderr}`);
    const isShown = stdout.includes(`${APP}:${tag}@`);
    const by = new RegExp(`^Overtaken: ${APP} runs \\w{7} \\(Deploy ${APP} 21\\.0\\.\\d to local\\)`, 'm');
    t.not(by.test(stdout), isShown, tag, { stdout });
    if (!isShown) overtaken += 1;
  }
  t.ok(overtaken < tags.length, 'one of them was the last');
});

t.test('two Applications that deploy the same objects: the delivery ends in the words of Argo CD', async (t) => {
  const template = (is: string): string => `    metadata:\n      name: ${is}\n`;
  const push = await stack.push('A new name', { [set]: (text) => text.replace(template(APP), template('other')) });
  await t.rejects(stack.delivered(push), {
    message: new RegExp(`^other, which ${push.commit.slice(0, 7)} creates, does not work: [^]*Shared resource found`),
  });
  await stack.push('The old name', { [set]: (text) => text.replace(template('other'), template(APP)) });
  await statusSays(`other: ApplicationSet ${APP} no longer lists it`);
  await stack.kubectl('-n', 'argocd', 'delete', 'application', 'other');
  await isAtRest();
});

t.test('a commit that mends another one: status tells nothing of the failure', async (t) => {
  let before = '';
  const bad = await stack.push('A port that does not exist', {
    [service]: (text) => {
      before = text;
      return text.replace(/^( +)port: .*$/m, '$1port: 70000');
    },
  });
  await t.rejects(stack.delivered(bad), { message: /did not take \w{7}: [^]*70000/ });
  t.match((await stack.make('status')).stdout, /sync failed: .*70000/);
  await stack.delivered(await stack.push('As before', { [service]: () => before }));
  const { stdout } = await stack.make('status');
  t.notMatch(stdout, '70000');
  t.notMatch(stdout, 'sync failed');
});

t.test('a misspelt field: the API server refuses it, though Argo CD does not ask the client to validate', async (t) => {
  let before = '';
  const bad = await stack.push('A field that does not exist', {
    [service]: (text) => {
      before = text;
      return text.replace(/^( +)selector:/m, '$1sesionAffinity: None\n$&');
    },
  });
  await t.rejects(stack.delivered(bad), {
    message: /did not take \w{7}: [^]*sesionAffinity: field not declared in schema/,
  });
  await stack.delivered(await stack.push('As before', { [service]: () => before }));
});
