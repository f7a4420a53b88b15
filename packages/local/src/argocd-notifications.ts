import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { argocdValueFiles } from '@gitops/settings';
import { NAMESPACE } from './argocd-settings.ts';
import type { Instance } from './instance.ts';
import type { Ports } from './ports.ts';

// What Argo CD's notifications controller reads: the argo-cd chart's values as its ConfigMap, and the address of the
// receiver as its Secret.

type Texts = Readonly<Record<string, string>>;

interface Notifications {
  readonly context?: Texts;
  readonly notifiers?: Texts;
  readonly subscriptions?: readonly object[];
  readonly templates?: Texts;
  readonly triggers?: Texts;
}

/**
 * The data of argocd-notifications-cm as the chart writes it, later values file last.
 * @param argocdUrl the address of Argo CD in messages
 */
export function notificationsData(root: string, cluster: string, argocdUrl: string): Record<string, string> {
  const files = argocdValueFiles(cluster).map((file) => {
    const values = parse(readFileSync(join(root, file), 'utf8')) as { notifications?: Notifications } | null;
    return values?.notifications ?? {};
  });
  const data: Record<string, string> = {};
  const context: Record<string, string> = { argocdUrl };
  for (const values of files) {
    Object.assign(context, values.context);
    Object.assign(data, values.notifiers, values.templates, values.triggers);
    if (values.subscriptions !== undefined) data.subscriptions = stringify(values.subscriptions);
  }
  return { ...data, context: stringify(context) };
}

/** Where the notifications of this machine go: into the log of the local Git server, which stands for a chat as well. */
const receiver = (ports: Ports): string => `http://127.0.0.1:${ports.git}/notifications`;

/** The ConfigMap and the Secret, as objects to apply. */
export function notificationsConfiguration(instance: Instance, ports: Ports): object[] {
  const object = (kind: string, name: string): object => ({
    apiVersion: 'v1',
    kind,
    metadata: { name, namespace: NAMESPACE, labels: { 'app.kubernetes.io/part-of': 'argocd' } },
  });
  const argocdUrl = `http://127.0.0.1:${ports.server}`;
  return [
    {
      ...object('ConfigMap', 'argocd-notifications-cm'),
      data: notificationsData(instance.root, instance.cluster, argocdUrl),
    },
    { ...object('Secret', 'argocd-notifications-secret'), stringData: { 'webhook-url': receiver(ports) } },
  ];
}
