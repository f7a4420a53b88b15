import { spawnSync } from 'node:child_process';
import t, { type Test } from 'tap';
import { refuseOtherVariables, variablesGivenToMake } from '../src/make.ts';

/** What make hands to a program when it is called with these arguments. */
function makeflags(t: Test, ...args: string[]): string {
  const folder = t.testdir({
    Makefile: `export CLUSTER\nprint:\n\t@"${process.execPath}" -e 'console.log(process.env.MAKEFLAGS)'\n`,
  });
  const { status, stdout, stderr } = spawnSync('make', ['-C', folder, '--no-print-directory', ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.trimEnd();
}

t.test("the variables of make's command line, among its other words", (t) => {
  for (const [args, names] of [
    [[], []],
    [['CLUSTER=dev'], ['CLUSTER']],
    [['CLUSTER='], ['CLUSTER']],
    [
      ['CLUSTER=dev', 'YES=no'],
      ['CLUSTER', 'YES'],
    ],
    [['-j4'], []],
    [['-j4', '-k', 'CLUSTER=dev'], ['CLUSTER']],
    [['--eval=A=b', '-I', '/x=y', 'CLUSTER=dev'], ['CLUSTER']],
    [['CLUSTER=a b$$c "q" \\ #h\tt'], ['CLUSTER']],
    [['CLUSTER=x -- APP=2 ID=3'], ['CLUSTER']],
    [['CLUSTER:=dev', 'X+=2', 'Y?=3'].toSorted(), ['CLUSTER', 'X', 'Y']],
  ] as const)
    t.strictSame(variablesGivenToMake(makeflags(t, ...args)), names, args.join(' '));
  t.strictSame(variablesGivenToMake(undefined), [], 'without make');
  t.strictSame(variablesGivenToMake('CLUSTER=dev'), ['CLUSTER'], 'as make 3.81 writes it');
  t.end();
});

t.test('a variable that a command does not take is refused, with the reason or the one that was meant', (t) => {
  const accepted = {
    command: 'plan',
    variables: ['CLUSTER', 'STACK'],
    reasons: { APP: 'it always plans everything' },
    others: ['NODE', 'AWS_*'],
  };
  const refusal = (given: readonly string[], variables = accepted.variables): unknown => {
    try {
      refuseOtherVariables(given, { ...accepted, variables });
      return undefined;
    } catch (error) {
      return error;
    }
  };
  for (const name of ['CLUSTER', 'STACK', 'NODE', 'AWS_PROFILE', 'SHELL', 'MAKE'])
    t.equal(refusal([name]), undefined, name);
  const next = 'plan takes CLUSTER, STACK; environment variables go before `make`';
  t.match(refusal(['CLUSTR', 'NODE']), { problems: ['plan takes no CLUSTR; did you mean CLUSTER?'], next });
  t.match(refusal(['cluster']), { problems: ['plan takes no cluster; did you mean CLUSTER?'] });
  t.match(refusal(['APP', 'NODES']), {
    problems: ['plan takes no APP; it always plans everything', 'plan takes no NODES'],
  });
  t.match(refusal(['X'], []), { next: 'plan takes no variables; environment variables go before `make`' });
  t.end();
});
