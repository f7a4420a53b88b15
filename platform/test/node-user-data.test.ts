import t from 'tap';
import { parse } from 'yaml';
import { allocatable } from '@gitops/manifests/capacity';
import { INSTANCE_TYPES } from '@gitops/settings/instance-types';
import { nodeUserData } from '../src/node-user-data.ts';

t.test('nodes reserve memory as the capacity proof says: maxPods is set, and no expression', (t) => {
  for (const [name, type] of Object.entries(INSTANCE_TYPES)) {
    const [config = ''] = /^apiVersion: node\.eks\.aws[^]*?(?=\n--NODE--)/m.exec(nodeUserData(name)) ?? [];
    const { pods } = allocatable(type);
    t.same((parse(config) as { spec: unknown }).spec, { kubelet: { config: { maxPods: pods } } }, name);
  }
  t.end();
});
