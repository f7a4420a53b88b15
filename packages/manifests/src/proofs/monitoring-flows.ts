import type { RequiredFlow } from './reachability.ts';

const PROMETHEUS = 'StatefulSet/prometheus-kps';
const ALERTMANAGER = 'StatefulSet/alertmanager-kps';
const GRAFANA = 'Deployment/grafana';

/** The connections that the pods of kube-prometheus-stack accept; all others must be closed. */
export function monitoringFlows(): RequiredFlow[] {
  const flows: RequiredFlow[] = [
    // Its data source, and where it shows alerts from.
    { from: GRAFANA, to: PROMETHEUS, port: 'http-web' },
    { from: GRAFANA, to: ALERTMANAGER, port: 'http-web' },
    // Alertmanagers tell each other what was sent.
    { from: ALERTMANAGER, to: ALERTMANAGER, port: 'mesh-tcp' },
    { from: ALERTMANAGER, to: ALERTMANAGER, port: 'mesh-udp', protocol: 'UDP' },
  ];
  // Metrics; the second name is how every other application of the cluster sees the same pods.
  for (const from of [PROMETHEUS, 'Prometheus'])
    flows.push(
      { from, to: PROMETHEUS, port: 'http-web' },
      { from, to: PROMETHEUS, port: 'reloader-web' },
      { from, to: ALERTMANAGER, port: 'http-web' },
      { from, to: ALERTMANAGER, port: 'reloader-web' },
      { from, to: GRAFANA, port: 'grafana' },
      { from, to: 'Deployment/kps-operator', port: 'http' },
      { from, to: 'Deployment/kube-state-metrics', port: 'http' },
    );
  return flows;
}
