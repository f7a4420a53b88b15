import t from 'tap';
import { LOOPBACK_NETWORK, loopbackAddress } from '../src/loopback.ts';

const node = (podCIDR: string, network?: string) => ({
  metadata: { annotations: network === undefined ? {} : { [LOOPBACK_NETWORK]: network } },
  spec: { podCIDR },
});

t.test('a pod listens at the same offset in its node’s loopback network', (t) => {
  const second = node('192.0.2.128/25', '127.77.3.128/25');
  t.equal(loopbackAddress('192.0.2.130', second), '127.77.3.130');
  t.equal(loopbackAddress('192.0.2.5', node('192.0.2.0/25', '127.200.9.128/25')), '127.200.9.133');
  t.equal(loopbackAddress('192.0.2.255', second), '127.77.3.255');
  t.end();
});

t.test('an address that cannot be translated is no address: nothing may be sent there', (t) => {
  t.equal(loopbackAddress('10.0.0.5', undefined), undefined);
  t.equal(loopbackAddress('10.0.0.5', node('10.0.0.0/24')), undefined);
  t.equal(loopbackAddress('192.0.2.5', node('192.0.2.128/25', '127.77.3.128/25')), undefined);
  t.equal(loopbackAddress('192.0.2.130', node('192.0.2.0/25', '127.77.3.0/25')), undefined);
  t.equal(loopbackAddress('192.0.2.100', node('192.0.2.0/25', '127.77.3.0/28')), undefined);
  t.end();
});
