import { PREVIEW_IMAGES } from '@gitops/settings';
import { milliCpus, quantity } from '../../kubernetes/quantity.ts';
import { type Container, containersOf, podOwners, podSpecOf, type Workload } from '../../kubernetes/workload.ts';
import type { Problem } from '../problem.ts';
import { problem, type Rule, seen } from './rule.ts';

/** Every container of every workload, with its path. */
const eachContainer =
  (check: (container: Container, path: string, workload: Workload) => Problem[]): Rule['check'] =>
  (objects) =>
    podOwners(objects).flatMap((workload) => [
      ...containersOf(workload).flatMap((container) =>
        check(container, `spec.template.spec.containers[${container.name}]`, workload),
      ),
      ...(podSpecOf(workload).initContainers ?? []).flatMap((container) =>
        check(container, `spec.template.spec.initContainers[${container.name}]`, workload),
      ),
    ]);

const resources: Rule = {
  name: 'resources',
  intent:
    'What a pod does not ask for, the scheduler gives to others: it is evicted or throttled when the node is full.',
  check: eachContainer(({ resources: { requests = {}, limits = {} } = {} }, container, workload) => {
    const path = `${container}.resources`;
    const [asked, most] = [quantity(requests.memory), quantity(limits.memory)];
    return [
      ...(milliCpus(requests.cpu) > 0
        ? []
        : [problem(workload, `${path}.requests.cpu`, `must be set ${seen(requests.cpu)}`)]),
      // A quota below one CPU throttles the event loop, and Node then counts the CPUs of the host.
      ...(limits.cpu === undefined || milliCpus(limits.cpu) >= 1000
        ? []
        : [problem(workload, `${path}.limits.cpu`, `must be absent or at least 1 ${seen(limits.cpu)}`)]),
      ...(asked !== undefined && asked > 0 && asked === most
        ? []
        : [
            problem(
              workload,
              `${path}.requests.memory`,
              `must be set and equal to limits.memory ${String(limits.memory)} ${seen(requests.memory)}`,
            ),
          ]),
      ...(
        [
          ['requests', requests],
          ['limits', limits],
        ] as const
      ).flatMap(([kind, values]) =>
        (quantity(values['ephemeral-storage']) ?? 0) > 0
          ? []
          : [
              problem(
                workload,
                `${path}.${kind}.ephemeral-storage`,
                `must be set ${seen(values['ephemeral-storage'])}`,
              ),
            ],
      ),
    ];
  }),
};

const IMAGE = /^[a-z0-9][a-z0-9./:_-]*:(?<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127})@sha256:[0-9a-f]{64}$/;
// A preview's tag is its commit, and the tags of its repository are immutable (platform/src/stacks/registry.ts).
const PREVIEW_IMAGE = new RegExp(`^[a-z0-9][a-z0-9.-]*/${PREVIEW_IMAGES}:(?<tag>[0-9a-f]{40})$`);

const images: Rule = {
  name: 'image',
  intent: 'A tag can be moved: without its digest, two pods of one version may run two programs.',
  check: eachContainer(({ image = '', imagePullPolicy }, path, workload) => {
    const tag = (IMAGE.exec(image) ?? PREVIEW_IMAGE.exec(image))?.groups?.tag;
    return [
      ...(tag !== undefined && tag !== 'latest'
        ? []
        : [
            problem(
              workload,
              `${path}.image`,
              `must be repository:tag@sha256:…, and its tag not latest ${seen(image)}`,
            ),
          ]),
      ...(imagePullPolicy === 'IfNotPresent'
        ? []
        : [problem(workload, `${path}.imagePullPolicy`, `must be IfNotPresent ${seen(imagePullPolicy)}`)]),
    ];
  }),
};

const identity: Rule = {
  name: 'identity',
  intent: 'A pod gets no token of the Kubernetes API that it does not use, and no identity that it shares with others.',
  check: (objects) =>
    podOwners(objects).flatMap((workload) => {
      const { serviceAccountName: name, automountServiceAccountToken, enableServiceLinks } = podSpecOf(workload);
      const account = objects.find(
        ({ kind, metadata }) =>
          kind === 'ServiceAccount' && metadata.name === name && metadata.namespace === workload.metadata.namespace,
      );
      return [
        // One that is named, and not there, is a reference that leads nowhere.
        ...(name !== undefined && name !== 'default'
          ? []
          : [
              problem(
                workload,
                'spec.template.spec.serviceAccountName',
                `must be a ServiceAccount that is rendered ${seen(name)}`,
              ),
            ]),
        ...(automountServiceAccountToken === false
          ? []
          : [
              problem(
                workload,
                'spec.template.spec.automountServiceAccountToken',
                `must be false ${seen(automountServiceAccountToken)}`,
              ),
            ]),
        ...(account === undefined || account.automountServiceAccountToken === false
          ? []
          : [
              problem(
                account,
                'automountServiceAccountToken',
                `must be false ${seen(account.automountServiceAccountToken)}`,
              ),
            ]),
        // Every Service of the namespace would come as environment variables, under names that may be settings.
        ...(enableServiceLinks === false
          ? []
          : [problem(workload, 'spec.template.spec.enableServiceLinks', `must be false ${seen(enableServiceLinks)}`)]),
      ];
    }),
};

const emptyDirs: Rule = {
  name: 'empty-dir-size',
  intent: 'A folder without a limit fills the disk of the node, and the kubelet evicts its neighbours.',
  check: (objects) =>
    podOwners(objects).flatMap((workload) =>
      (podSpecOf(workload).volumes ?? [])
        .filter(({ emptyDir }) => emptyDir !== undefined && (quantity(emptyDir.sizeLimit) ?? 0) <= 0)
        .map(({ name, emptyDir }) =>
          problem(
            workload,
            `spec.template.spec.volumes[${name}].emptyDir.sizeLimit`,
            `must be set ${seen(emptyDir?.sizeLimit)}`,
          ),
        ),
    ),
};

export const containerRules: Rule[] = [resources, images, identity, emptyDirs];
