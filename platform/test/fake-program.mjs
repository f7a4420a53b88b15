// A program of the tests: it writes down how it was called, and answers as fake-programs.ts has written down.
// Usage: node fake-program.mjs FOLDER NAME [ARGUMENTS]
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, name, ...args] = process.argv.slice(2);
const call = [name, ...args].join(' ');
appendFileSync(join(folder, 'calls.log'), `${call}\n`);

const file = join(folder, 'answers.json');
const answers = JSON.parse(readFileSync(file, 'utf8'));
const answer = answers.find(({ program, to, times }) => program === name && call.includes(to) && times > 0);
if (answer) {
  answer.times -= 1;
  writeFileSync(file, JSON.stringify(answers));
}
// As `docker buildx build` does.
if (args.includes('--metadata-file')) {
  const metadata = { 'containerimage.digest': `sha256:${'0'.repeat(64)}` };
  writeFileSync(args[args.indexOf('--metadata-file') + 1], JSON.stringify(metadata));
}
process.stdout.write(answer?.stdout ?? '');
process.stderr.write(answer?.stderr ?? '');
process.exitCode = answer?.code ?? 0;
