import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readDockerfile } from '@gitops/images/dockerfile';

const last = (...lines: string[]): string => ['FROM base', ...lines, ''].join('\n');

t.test('the last stage is read with its arguments, as Docker reads it', (t) => {
  const text = `# comment
ARG BASE=base:1 \n ARG OTHER
FROM builder AS build
ARG VERSION
COPY package.json lock.yaml ./
COPY src src/
RUN make
FROM \${BASE}
ARG VERSION=none
ARG SOURCE
COPY --from=build /out /app
WORKDIR /app
USER 1:2
ENV A=1 B="two words"
# between
EXPOSE 80 53/udp
STOPSIGNAL SIGTERM
ENTRYPOINT ["/node", \\
  "main.js"]
LABEL version="\${VERSION}" \\
      source="$SOURCE" \\
      plain=x
`;
  t.strictSame(readDockerfile(text, { VERSION: '1.2', UNKNOWN: 'x' }), {
    base: 'base:1',
    builders: ['builder'],
    inputs: ['package.json', 'lock.yaml', 'src'],
    copies: [{ from: '/out', to: '/app' }],
    config: {
      WorkingDir: '/app',
      User: '1:2',
      StopSignal: 'SIGTERM',
      Entrypoint: ['/node', 'main.js'],
      Env: ['A=1', 'B=two words'],
      ExposedPorts: { '80/tcp': {}, '53/udp': {} },
      Labels: { version: '1.2', source: '', plain: 'x' },
    },
  });
  const { base, config } = readDockerfile(text, { BASE: 'other@sha256:1', SOURCE: 'here' });
  t.equal(base, 'other@sha256:1');
  t.match(config.Labels, { version: 'none', source: 'here' });
  t.end();
});

t.test('what needs a daemon is refused by name', (t) => {
  for (const [line, message] of [
    ['RUN make', 'the last stage of the Dockerfile has `RUN make`, which cannot be done without a daemon'],
    ['COPY . /app', '`COPY . /app`'],
    ['COPY --from=build --chown=1 /a /b', '`COPY --from=build --chown=1 /a /b`'],
    ['ENTRYPOINT node main.js', '`ENTRYPOINT node main.js`'],
    ['HEALTHCHECK CMD true', '`HEALTHCHECK CMD true`'],
  ] as const)
    t.throws(() => readDockerfile(last(line)), { message: new RegExp(message.replaceAll(/[.$]/g, '\\$&')) }, line);
  t.throws(() => readDockerfile('RUN make\n'), { message: 'the Dockerfile has no FROM' });
  t.end();
});

t.test("the service's Dockerfile can be read", (t) => {
  const text = readFileSync(join(import.meta.dirname, '../../../service/Dockerfile'), 'utf8');
  const { copies, config, inputs } = readDockerfile(text, { VERSION: '1' });
  t.strictSame(
    readDockerfile(text, { SERVICE: 'services/x', NAME: 'x' }).inputs.filter((input) => input.startsWith('services/')),
    ['services/x/package.json', 'services/x/tsconfig.json', 'services/x/src'],
  );
  t.equal(readDockerfile(text, { NAME: 'x' }).config.Labels?.['org.opencontainers.image.title'], 'x');
  t.match(config.Labels, { 'org.opencontainers.image.description': /^Answers [^"]+ overlaps$/ });
  t.strictSame(copies, [{ from: '/workspace/service/dist', to: '/app' }]);
  t.ok(inputs.includes('service/src') && inputs.includes('packages/subnets/src'));
  t.equal(config.Entrypoint?.[0], '/nodejs/bin/node');
  t.end();
});
