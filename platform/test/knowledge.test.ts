import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { synthesize } from '../src/app.ts';
import { repository } from './platform-in-tests.ts';
import { kinds, knowledgeOf } from './simulated-aws/kinds.ts';
import { type Aspect, ASPECTS, SAID } from './simulated-aws/known.ts';

// The simulation is honest: of every type that the stacks have, and of every kind of rule that AWS has, it says what it
// knows and what it does not.

const types = Object.keys(kinds).filter((type) => /^(aws|helm)_/.test(type));

t.test('of every type, every aspect is known, unknown or none, and nothing contradicts itself', (t) => {
  const problems: string[] = [];
  for (const type of types) {
    const knowledge = knowledgeOf(type);
    for (const aspect of Object.keys(ASPECTS) as Aspect[]) {
      const lines = knowledge[aspect];
      const isNone = lines.some((line) => line.startsWith('none: '));
      if (lines.length === 0) problems.push(`${type}: nothing is said of ${aspect}; add it to simulated-aws/known.ts`);
      if (isNone && lines.some((line) => line.startsWith('known: ')))
        problems.push(`${type}: ${aspect}: ${lines.join('; ')}`);
      if (!lines.every((line) => /^(known|unknown|none|source): ./.test(line)))
        problems.push(`${type}: ${lines.join()}`);
    }
  }
  t.same(problems, []);
  t.same(
    Object.keys(SAID).filter((type) => !types.includes(type)),
    [],
    'no type that is not simulated',
  );
  t.end();
});

t.test('every type of the stacks is simulated', (t) => {
  const used = new Set<string>();
  for (const { folder } of synthesize(repository, join(t.testdir({}), 'out'))) {
    const { resource } = JSON.parse(readFileSync(join(folder, 'cdk.tf.json'), 'utf8')) as { resource: object };
    for (const type of Object.keys(resource)) used.add(type);
  }
  t.ok(used.size > 40, `${String(used.size)} types`);
  t.same(
    [...used].filter((type) => !types.includes(type)),
    [],
  );
  t.end();
});
