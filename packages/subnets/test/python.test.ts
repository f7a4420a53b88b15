// The same networks as Python's ipaddress sees them. What it said once is kept beside this file; where the machine has
// a Python whose semantics are the same (3.13 or later), it is asked about networks that are others each time.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { describeNetwork, parseCidr } from '../src/cidr.ts';

function compare(t: Test, lines: string): void {
  const networks = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { cidr: string });
  let mapped = 0;
  for (const expected of networks) {
    if (expected.cidr.startsWith('::ffff:')) mapped += 1;
    const {
      family: _family,
      network: _network,
      broadcast: _broadcast,
      ...ours
    } = describeNetwork(parseCidr(expected.cidr));
    const { prefixLength, ...rest } = ours;
    if (!expected.cidr.endsWith(`/${prefixLength}`)) t.fail(expected.cidr);
    if (JSON.stringify(sorted(rest)) !== JSON.stringify(sorted(expected))) t.strictSame(rest, expected, expected.cidr);
  }
  t.equal(networks.length, 200);
  t.ok(mapped > 10, `${mapped} IPv4-mapped networks`);
}

const sorted = (facts: object): [string, unknown][] => Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1));

t.test('200 networks as Python 3.14 described them (CPython 3.14.2, seed 1)', (t) => {
  compare(t, readFileSync(join(import.meta.dirname, 'python-networks.jsonl'), 'utf8'));
  t.end();
});

const [major = 0, minor = 0] = (/Python (\d+)\.(\d+)/.exec(String(spawnSync('python3', ['--version']).stdout)) ?? [])
  .slice(1)
  .map(Number);
const isSame = major > 3 || (major === 3 && minor >= 13);

t.test(
  'property: random networks as the Python of this machine describes them',
  { skip: isSame ? false : `Python 3.13 or later is needed, this machine has ${major}.${minor}` },
  (t) => {
    const seed = String(Math.floor(Math.random() * 2 ** 31));
    const { status, stdout, stderr } = spawnSync(
      'python3',
      [join(import.meta.dirname, 'python-networks.py'), seed, '200'],
      { encoding: 'utf8' },
    );
    t.equal(status, 0, `seed ${seed} ${stderr}`);
    compare(t, stdout);
    t.end();
  },
);
