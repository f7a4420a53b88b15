import type { Dashboard, Panel } from '../panel.ts';

const PER = '$__rate_interval';

/** What pods ask for of one resource, what of it is used, and what there is. */
const resource = (title: string, unit: Panel['unit'], name: 'cpu' | 'memory', used: string): Panel => ({
  title,
  description:
    'Requests of all pods that have a node beside what the nodes have for pods. Where requests meet the dashed line, the next pod waits for a node.',
  kind: 'lines',
  unit,
  width: 12,
  min: 0,
  queries: [
    { expr: `sum(kube_pod_container_resource_requests{resource="${name}", node!=""})`, legend: 'requested' },
    { expr: used, legend: 'used' },
    { expr: `sum(kube_node_status_allocatable{resource="${name}"})`, legend: 'allocatable', isLimit: true },
  ],
});

/** Of each node pool once, should two pods of Karpenter tell. */
const added = (metric: 'usage' | 'limit'): string =>
  `sum(max by (nodepool) (karpenter_nodepools_${metric}{resource_type="cpu"}))`;

export const capacity: Dashboard = {
  uid: 'gitops-capacity',
  title: 'Capacity and cost',
  description: 'Nodes, what pods ask of them, and what the cluster costs.',
  tags: ['capacity', 'cost'],
  variables: [],
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Nodes',
          description: 'Nodes of the cluster.',
          kind: 'number',
          unit: 'none',
          width: 4,
          queries: [{ expr: 'count(kube_node_info)', legend: 'nodes' }],
        },
        {
          title: 'CPU requested',
          description: 'Share of the CPU for pods that pods ask for.',
          kind: 'number',
          unit: 'percentunit',
          width: 4,
          queries: [
            {
              expr: 'sum(kube_pod_container_resource_requests{resource="cpu", node!=""}) / sum(kube_node_status_allocatable{resource="cpu"})',
              legend: 'requested',
            },
          ],
          levels: [
            { from: 0, is: 'good' },
            { from: 0.85, is: 'warning' },
            { from: 1, is: 'bad' },
          ],
        },
        {
          title: 'Memory requested',
          description: 'Share of the memory for pods that pods ask for.',
          kind: 'number',
          unit: 'percentunit',
          width: 4,
          queries: [
            {
              expr: 'sum(kube_pod_container_resource_requests{resource="memory", node!=""}) / sum(kube_node_status_allocatable{resource="memory"})',
              legend: 'requested',
            },
          ],
          levels: [
            { from: 0, is: 'good' },
            { from: 0.85, is: 'warning' },
            { from: 1, is: 'bad' },
          ],
        },
        {
          title: 'Pods without a node',
          description: 'Pods that wait. They stay until a node has room for them.',
          kind: 'number',
          unit: 'none',
          width: 4,
          queries: [{ expr: 'sum(kube_pod_status_phase{phase="Pending"})', legend: 'pending' }],
          levels: [
            { from: 0, is: 'good' },
            { from: 1, is: 'warning' },
          ],
        },
        {
          title: 'Cost a month',
          description: 'What the present nodes and the rest of the cluster cost a month, by list price.',
          kind: 'number',
          unit: 'currencyUSD',
          width: 4,
          queries: [{ expr: 'sum(cluster:monthly_usd)', legend: 'cost' }],
        },
        {
          title: 'Of the budget',
          description: "Cost a month as a share of the cluster's budget.",
          kind: 'number',
          unit: 'percentunit',
          width: 4,
          queries: [{ expr: 'sum(cluster:monthly_usd) / sum(cluster:monthly_budget_usd)', legend: 'of the budget' }],
          levels: [
            { from: 0, is: 'good' },
            { from: 0.9, is: 'warning' },
            { from: 1, is: 'bad' },
          ],
        },
      ],
    },
    {
      title: 'Capacity',
      panels: [
        resource('CPU', 'short', 'cpu', `sum(rate(node_cpu_seconds_total{mode!~"idle|iowait"}[${PER}]))`),
        resource('Memory', 'bytes', 'memory', 'sum(node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes)'),
        {
          title: 'Pods by phase',
          description: 'All pods of the cluster.',
          kind: 'areas',
          unit: 'none',
          width: 8,
          queries: [{ expr: 'sum by (phase) (kube_pod_status_phase) > 0', legend: '{{phase}}' }],
        },
        {
          title: 'Replicas of autoscalers',
          description: 'How far each autoscaler is from its maximum: at 100 % load cannot be met any more.',
          kind: 'lines',
          unit: 'percentunit',
          width: 8,
          min: 0,
          max: 1,
          queries: [
            {
              expr: 'kube_horizontalpodautoscaler_status_current_replicas / kube_horizontalpodautoscaler_spec_max_replicas',
              legend: '{{namespace}}/{{horizontalpodautoscaler}}',
            },
          ],
        },
        {
          title: 'Throttled containers',
          description: 'Share of scheduling periods in which a container with a CPU limit was stopped, the five worst.',
          kind: 'lines',
          unit: 'percentunit',
          width: 8,
          min: 0,
          queries: [
            {
              expr: `topk(5, sum by (namespace, pod, container) (rate(container_cpu_cfs_throttled_periods_total[${PER}])) / sum by (namespace, pod, container) (rate(container_cpu_cfs_periods_total[${PER}])))`,
              legend: '{{namespace}}/{{pod}}/{{container}}',
            },
          ],
        },
        {
          title: 'Volumes',
          description: 'Share of each persistent volume that is full.',
          kind: 'lines',
          unit: 'percentunit',
          width: 12,
          min: 0,
          max: 1,
          queries: [
            {
              expr: 'kubelet_volume_stats_used_bytes / kubelet_volume_stats_capacity_bytes',
              legend: '{{namespace}}/{{persistentvolumeclaim}}',
            },
          ],
        },
        {
          title: 'Cost a month over time',
          description: 'Price of a node times nodes, and the fixed rest, by list price; the dashed line is the budget.',
          kind: 'lines',
          unit: 'currencyUSD',
          width: 12,
          min: 0,
          queries: [
            { expr: 'sum(cluster:monthly_usd)', legend: 'cost' },
            { expr: 'sum(cluster:fixed_monthly_usd)', legend: 'of these without nodes' },
            { expr: 'sum(cluster:monthly_budget_usd)', legend: 'budget', isLimit: true },
          ],
        },
      ],
    },
    {
      title: 'Nodes',
      panels: [
        {
          title: 'CPUs of added nodes',
          description: 'CPUs that Karpenter has bought; the dashed line is nodePool.maxCpus, at which pods wait.',
          kind: 'lines',
          unit: 'none',
          width: 8,
          min: 0,
          queries: [
            { expr: added('usage'), legend: 'bought' },
            { expr: added('limit'), legend: 'allowed', isLimit: true },
          ],
        },
        {
          title: 'Nodes by request',
          description: 'What the pods of each node ask for, as a share of what it has for pods.',
          kind: 'table',
          unit: 'percentunit',
          width: 16,
          columns: { node: 'Node' },
          queries: (['cpu', 'memory'] as const).map((name) => ({
            expr: `sum by (node) (kube_pod_container_resource_requests{resource="${name}", node!=""}) / sum by (node) (kube_node_status_allocatable{resource="${name}"})`,
            legend: name === 'cpu' ? 'CPU' : 'Memory',
          })),
        },
      ],
    },
  ],
};
