import t from 'tap';
import { openInstance } from '@gitops/local';
import { CommandError } from '@gitops/report/errors';
import { timings } from '@gitops/service/timings';
import { clusterNames } from '@gitops/settings';
import { readSlo } from '@gitops/settings/slo';
import { readYamlFile } from '@gitops/settings/yaml-file';
import { secondsOf } from '../src/duration.ts';
import { objectivesOf } from '../src/settings.ts';
import { addressProblem, checkReachable, localTarget, remoteTarget } from '../src/target.ts';
import { root, server } from './helper.ts';

t.test('an address is judged by the objectives of the cluster that has its host, or else by the common ones', (t) => {
  for (const name of clusterNames(root)) {
    const { host } = readYamlFile(root, `clusters/${name}/fastify-service.yaml`).content;
    const target = remoteTarget(root, `https://${String(host)}/`);
    t.match(target, { cluster: name, slo: readSlo(root, name), kubeconfig: undefined });
    t.equal(target.address, `https://${String(host)}`);
  }
  t.match(remoteTarget(root, 'http://127.0.0.1:1'), { cluster: undefined, slo: readSlo(root) });
  t.end();
});

t.test('the front door of this machine needs a machine that was started', (t) => {
  const folder = t.testdir({});
  t.throws(() => localTarget(openInstance({ dir: folder })), { message: 'nothing is running on this machine' });
  t.end();
});

t.test('an address is a scheme and a host', (t) => {
  for (const valid of ['http://127.0.0.1:8080', 'https://a.example.com', 'https://a.example.com/'])
    t.equal(addressProblem(valid), undefined, valid);
  for (const invalid of ['a.example.com', 'ftp://a', 'http://a/v1', 'http://a?b', 'http://'])
    t.match(addressProblem(invalid), /^must be http/, invalid);
  t.end();
});

t.test('a duration is a number with a unit', (t) => {
  t.strictSame(['30s', '10m', '2h', '0s', '5', '1.5m', 'm', '-1s'].map(secondsOf), [30, 600, 7200, 0, 0, 0, 0, 0]);
  t.end();
});

t.test('what cannot be reached, or is not the service, is one error before any load', async (t) => {
  const refused = remoteTarget(root, 'http://127.0.0.1:1');
  await t.rejects(checkReachable(refused), {
    constructor: CommandError,
    message: 'http://127.0.0.1:1 cannot be reached: connect ECONNREFUSED 127.0.0.1:1',
  });
  let asked = 0;
  const address = await server(t, (_, response) => {
    asked += 1;
    response.writeHead(404).end();
  });
  await t.rejects(checkReachable(remoteTarget(root, address)), { message: /answers 404 to GET \/v1\/networks/ });
  t.equal(asked, 1);
});

t.test('the latency of the objectives is an edge of the histogram of the service', (t) => {
  t.equal(readSlo(root).latency.milliseconds, timings.latencyObjective * 1000);
  t.end();
});

t.test('thresholds follow from the SLO file, and change with it', (t) => {
  const file = (availability: number, percent: number): string =>
    `availability: ${availability}\nlatency: { milliseconds: 250, percent: ${percent} }\nclusters: {}\n`;
  const folder = t.testdir({ clusters: { 'slo.yaml': file(99.5, 90) } });
  t.strictSame(objectivesOf(readSlo(folder)), { failedShare: 0.005, latency: { milliseconds: 250, percent: 90 } });
  const changed = t.testdir({ clusters: { 'slo.yaml': file(99.95, 97.5) } });
  t.strictSame(objectivesOf(readSlo(changed)), { failedShare: 0.0005, latency: { milliseconds: 250, percent: 97.5 } });
  t.end();
});
