import t from 'tap';
import { containerProcesses, keptPods, type Pod, removeNamespace } from '../src/faults.ts';
import { Stack, until } from '../src/stack.ts';

// After all that went wrong before: what the nodes keep is that of pods that exist.

const stack = await Stack.open();

t.test('no process, container or folder is left of a pod that was deleted', async (t) => {
  await removeNamespace(stack);
  let left: unknown;
  const isClean = async (): Promise<true | undefined> => {
    const { items } = JSON.parse(await stack.kubectl('get', 'pods', '--all-namespaces', '-o', 'json')) as {
      items: Pod[];
    };
    const uids = items.map(({ metadata }) => metadata.uid);
    const containers = items.flatMap(
      ({ status }) => status.containerStatuses?.map(({ containerID }) => containerID) ?? [],
    );
    const pods = keptPods(stack.instance).filter((uid) => !uids.includes(uid));
    const processes = containerProcesses(stack.instance).filter(
      ({ container }) => !containers.includes(`process://${container}`),
    );
    left = { pods, processes };
    return pods.length + processes.length === 0 ? true : undefined;
  };
  // The kubelet removes what ended once a minute.
  await until('nothing is left', isClean, 120_000).catch(() => undefined);
  t.same(left, { pods: [], processes: [] });
});
