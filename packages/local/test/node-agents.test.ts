import t from 'tap';
import { choosePodNetworks, halfOf } from '../src/node-agents.ts';

t.test("pods get addresses that are nobody's on this machine", (t) => {
  t.match(choosePodNetworks({}, [], []), { pods: '192.0.2.0/24', loopback: /^127\.(1[2-9]\d|2\d\d)\.\d+\.0\/24$/ });
  t.equal(choosePodNetworks({}, ['192.0.2.2', '10.0.0.1'], []).pods, '198.51.100.0/24');
  t.equal(choosePodNetworks({}, ['192.0.2.2', '198.51.100.7', '192.0.20.1'], []).pods, '203.0.113.0/24');
  t.end();
});

t.test('the networks of an instance stay', (t) => {
  const stored = { pods: '192.0.2.0/24', loopback: '127.200.1.0/24' };
  t.same(choosePodNetworks(stored, ['192.0.2.2'], ['127.200.1.1']), stored);
  t.end();
});

t.test('a network of loopback in which a process listens is left alone', (t) => {
  const taken: string[] = [];
  for (let second = 128; second < 254; second += 1)
    for (let third = 0; third < 256; third += 1) taken.push(`127.${second}.${third}.1`);
  t.match(choosePodNetworks({}, [], taken).loopback, /^127\.254\.\d+\.0\/24$/);
  t.end();
});

t.test('each node has one half', (t) => {
  t.equal(halfOf('198.51.100.0/24', 0), '198.51.100.0/25');
  t.equal(halfOf('198.51.100.0/24', 1), '198.51.100.128/25');
  t.end();
});
