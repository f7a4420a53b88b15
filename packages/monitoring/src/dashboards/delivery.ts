import type { Dashboard } from '../panel.ts';

const PER = '$__rate_interval';

export const delivery: Dashboard = {
  uid: 'gitops-delivery',
  title: 'Delivery',
  description: 'What runs where, how it got there, and whether Argo CD keeps up.',
  tags: ['delivery', 'argocd'],
  variables: [],
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Applications',
          description: 'Applications that Argo CD knows.',
          kind: 'number',
          unit: 'none',
          width: 6,
          queries: [{ expr: 'count(argocd_app_info)', legend: 'Applications' }],
        },
        {
          title: 'Not synced',
          description: 'Applications whose cluster differs from Git. Minutes are normal, hours are not.',
          kind: 'number',
          unit: 'none',
          width: 6,
          queries: [
            {
              expr: 'count(argocd_app_info{sync_status!="Synced"}) or 0 * count(argocd_app_info)',
              legend: 'not synced',
              isOfState: true,
            },
          ],
          levels: [
            { from: 0, is: 'good' },
            { from: 1, is: 'warning' },
          ],
        },
        {
          title: 'Not healthy',
          description: 'Applications with an object that does not work, or does not work yet.',
          kind: 'number',
          unit: 'none',
          width: 6,
          queries: [
            {
              expr: 'count(argocd_app_info{health_status!="Healthy"}) or 0 * count(argocd_app_info)',
              legend: 'not healthy',
              isOfState: true,
            },
          ],
          levels: [
            { from: 0, is: 'good' },
            { from: 1, is: 'bad' },
          ],
        },
        {
          title: 'Auto-sync off',
          description:
            'Applications that Git does not change, since somebody rolled back. `make resume` hands them back to Git.',
          kind: 'number',
          unit: 'none',
          width: 6,
          queries: [
            {
              expr: 'count(argocd_app_info{autosync_enabled="false"}) or 0 * count(argocd_app_info)',
              legend: 'auto-sync off',
              isOfState: true,
            },
          ],
          levels: [
            { from: 0, is: 'good' },
            { from: 1, is: 'warning' },
          ],
        },
      ],
    },
    {
      title: 'What runs where',
      panels: [
        {
          title: 'Services',
          description: 'Versions that answer, and in how many pods: two during a rollout.',
          kind: 'table',
          unit: 'none',
          width: 12,
          columns: { namespace: 'Namespace', job: 'Service', version: 'Version', commit: 'Commit' },
          queries: [{ expr: 'count by (namespace, job, version, commit) (service_build_info)', legend: 'Pods' }],
        },
        {
          title: 'Applications by state',
          description: 'Each Application of Argo CD.',
          kind: 'table',
          unit: 'none',
          width: 12,
          columns: {
            name: 'Application',
            sync_status: 'Sync',
            health_status: 'Health',
            autosync_enabled: 'Auto-sync',
            dest_namespace: 'Namespace',
          },
          queries: [
            {
              expr: 'count by (name, sync_status, health_status, autosync_enabled, dest_namespace) (argocd_app_info)',
              legend: 'Number',
            },
          ],
        },
      ],
    },
    {
      title: 'Rollouts and rollbacks',
      panels: [
        {
          title: 'Pods by version',
          description: 'A rollout hands the pods over from one version to the next; a rollback hands them back.',
          kind: 'areas',
          unit: 'none',
          width: 12,
          queries: [
            { expr: 'count by (namespace, version) (service_build_info)', legend: '{{namespace}} {{version}}' },
          ],
        },
        {
          title: 'Applications with auto-sync off',
          description: 'From a rollback until `make resume`.',
          kind: 'lines',
          unit: 'none',
          width: 12,
          min: 0,
          queries: [
            {
              expr: 'sum by (name) (argocd_app_info{autosync_enabled="false"}) or label_replace(0 * count(argocd_app_info), "name", "none", "", "")',
              legend: '{{name}}',
              isOfState: true,
            },
          ],
        },
        {
          title: 'Syncs by result',
          description: 'Syncs that ended, per hour. Failed ones are tried again by themselves.',
          kind: 'areas',
          unit: 'short',
          width: 12,
          queries: [{ expr: `3600 * sum by (phase) (rate(argocd_app_sync_total[${PER}]))`, legend: '{{phase}}' }],
        },
        {
          title: 'Duration of syncs',
          description: 'Mean time of a sync that ended, by Application.',
          kind: 'lines',
          unit: 's',
          width: 12,
          min: 0,
          queries: [
            {
              expr: `sum by (name) (rate(argocd_app_sync_duration_seconds_total[${PER}])) / (sum by (name) (rate(argocd_app_sync_total[${PER}])) > 0)`,
              legend: '{{name}}',
              isOfState: true,
            },
          ],
        },
      ],
    },
    {
      title: 'Argo CD',
      panels: [
        {
          title: 'Reconciliation',
          description: 'Time to compare an Application with Git. Long times delay every deployment.',
          kind: 'lines',
          unit: 's',
          width: 12,
          min: 0,
          queries: [0.5, 0.95].map((share) => ({
            expr: `histogram_quantile(${share}, sum by (le) (rate(argocd_app_reconcile_bucket[${PER}])))`,
            legend: `p${share * 100}`,
          })),
        },
        {
          title: 'Queues',
          description: 'Applications that wait for the controller, and requests that wait for the repo-server.',
          kind: 'lines',
          unit: 'none',
          width: 12,
          min: 0,
          queries: [
            { expr: 'sum by (name) (workqueue_depth{name=~"app_.*"})', legend: '{{name}}' },
            { expr: 'sum(argocd_repo_pending_request_total)', legend: 'repo-server' },
          ],
        },
        {
          title: 'Requests to Git',
          description: 'Per second, by kind. A webhook makes polling rare.',
          kind: 'lines',
          unit: 'reqps',
          width: 12,
          min: 0,
          queries: [
            {
              expr: `sum by (request_type) (rate(argocd_git_request_total[${PER}]))`,
              legend: '{{request_type}}',
            },
          ],
        },
        {
          title: 'Duration of requests to Git, p95',
          description: '95 of 100 requests to the Git server end within this time.',
          kind: 'lines',
          unit: 's',
          width: 12,
          min: 0,
          queries: [
            {
              expr: `histogram_quantile(0.95, sum by (le, request_type) (rate(argocd_git_request_duration_seconds_bucket[${PER}])))`,
              legend: '{{request_type}}',
            },
          ],
        },
      ],
    },
  ],
};
