// A simulated AWS for commands of `make`, until standard input ends. `node serve.ts` prints, as JSON on one line, the
// environment in which they talk to it; `aws` and `kubectl` are then stand-ins. It is empty at first.
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { SimulatedAws } from './cloud.ts';
import { awsAnswer, kubectlAnswer } from './command-lines.ts';
import { dataSources, kinds } from './kinds.ts';
import { serveProviders } from './provider.ts';

const cloud = new SimulatedAws();
const folder = mkdtempSync(join(tmpdir(), 'simulated-aws-'));
const resources = Object.keys(kinds).filter((type) => /^(aws|helm)_/.test(type));
const providers = await serveProviders(cloud, { resources, data: Object.keys(dataSources) }, 'registry.opentofu.org');

const answers = createServer((request, response) => {
  void text(request).then((body) => {
    const [cwd = '', program, ...args] = JSON.parse(body) as string[];
    response.end(JSON.stringify(program === 'kubectl' ? kubectlAnswer(cloud, args) : awsAnswer(cloud, args, cwd)));
  });
});
answers.listen(0, '127.0.0.1');
await once(answers, 'listening');
const address = `http://127.0.0.1:${(answers.address() as AddressInfo).port}`;

// A shell script as short as can be: Node.js asks, and ends as the answer says.
const ASK =
  'const [address, ...call] = process.argv.slice(1);' +
  "const answer = await (await fetch(address, { method: 'POST', body: JSON.stringify([process.cwd(), ...call]) })).json();" +
  "process.stdout.write(answer.stdout ?? ''); process.stderr.write(answer.stderr ?? ''); process.exitCode = answer.code ?? 0;";
const bin = join(folder, 'bin');
mkdirSync(bin);
for (const program of ['aws', 'kubectl']) {
  const file = join(bin, program);
  const script = `#!/bin/sh\nexec '${process.execPath}' --input-type=module --eval "${ASK}" ${address} ${program} "$@"\n`;
  writeFileSync(file, script);
  chmodSync(file, 0o755);
}
const settings = join(folder, 'settings.tofurc');
writeFileSync(settings, '');

process.stdout.write(
  `${JSON.stringify({
    PATH: `${bin}:${process.env.PATH ?? ''}`,
    AWS_ACCESS_KEY_ID: 'simulated',
    AWS_SECRET_ACCESS_KEY: 'simulated',
    TF_REATTACH_PROVIDERS: providers.reattach,
    TF_CLI_CONFIG_FILE: settings,
    YES: 'yes',
    CONFIRM: 'dev',
  })}\n`,
);

process.stdin.resume();
await once(process.stdin, 'end');
providers.close();
answers.close();
answers.closeAllConnections();
rmSync(folder, { recursive: true, force: true });
