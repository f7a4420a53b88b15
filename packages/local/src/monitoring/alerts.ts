import { runningPid } from '../daemon.ts';
import type { Instance } from '../instance.ts';
import type { Ports } from '../ports.ts';
import { monitoringURL } from './start.ts';

/** Prometheus and Alertmanager as `make status` shows them. */
export interface MonitoringStatus {
  readonly prometheus: string;
  readonly alertmanager: string;
  /** Names of the alerts that fire, with repetitions; undefined where Prometheus does not answer. */
  readonly firing: readonly string[] | undefined;
  /** Targets that Prometheus scrapes, and those of them that answer. */
  readonly targets: { readonly up: number; readonly all: number } | undefined;
}

/** The state of the local machine's monitoring; undefined where it does not run. */
export async function readMonitoring(instance: Instance, ports: Ports): Promise<MonitoringStatus | undefined> {
  if (runningPid(instance, 'prometheus') === undefined) return undefined;
  const prometheus = monitoringURL(ports, 'prometheus');
  const [alerts, targets] = await Promise.all([
    query(`${prometheus}/api/v1/alerts`) as Promise<{ alerts: Alert[] } | undefined>,
    query(`${prometheus}/api/v1/targets?state=active`) as Promise<{ activeTargets: Target[] } | undefined>,
  ]);
  return {
    prometheus,
    alertmanager: monitoringURL(ports, 'alertmanager'),
    firing: alerts?.alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname),
    targets: targets && {
      up: targets.activeTargets.filter(({ health }) => health === 'up').length,
      all: targets.activeTargets.length,
    },
  };
}

interface Alert {
  readonly state: string;
  readonly labels: { readonly alertname: string };
}

interface Target {
  readonly health: string;
}

/** The data of an answer of Prometheus' API; undefined where there is none within two seconds. */
async function query(url: string): Promise<unknown> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    return ((await response.json()) as { data?: unknown }).data;
  } catch {
    return undefined;
  }
}
