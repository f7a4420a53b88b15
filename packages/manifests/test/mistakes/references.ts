import { across, amongOthers, type Edit, honest, type Mistake } from './slip.ts';

const production = 'clusters/production/fastify-service.yaml';
const shared = 'clusters/shared/fastify-service.yaml';
const monitoring = 'clusters/shared/kube-prometheus-stack.yaml';
const secrets = 'clusters/shared/external-secrets.yaml';
const balancers = 'clusters/shared/aws-load-balancer-controller.yaml';
const services = 'argocd/projects/templates/services.yaml';
const deployment = 'charts/fastify-service/templates/deployment.yaml';

const replaced = (file: string, from: string, to: string): Edit => ({ file, from, to });
const removed = (...files: readonly string[]): Edit[] => files.map((file) => ({ file, isRemoved: true as const }));

/** The service with a secret of its own. */
const secretOf = (store: string, key = 'production/fastify-service'): Edit =>
  replaced(
    production,
    'autoscaling:\n',
    `externalSecret:\n  enabled: true\n  store: ${store}\n  key: ${key}\nautoscaling:\n`,
  );

/** A cluster without some of its controllers, and without their values. */
const without = (cluster: string, ...controllers: readonly string[]): Edit[] => {
  const all = ['aws-load-balancer-controller', 'metrics-server', 'external-secrets', 'prometheus-operator-crds', 'kube-prometheus-stack', 'karpenter']; // prettier-ignore
  const list = all.filter((name) => !controllers.includes(name)).map((name) => `  - ${name}\n`);
  return [
    replaced(
      `clusters/${cluster}/cluster.yaml`,
      `name: ${cluster}\n`,
      `name: ${cluster}\ncontrollers:\n${list.join('')}`,
    ),
    ...removed(...controllers.filter((name) => name !== 'prometheus-operator-crds').map((name) => `clusters/${cluster}/${name}.yaml`)), // prettier-ignore
  ];
};

/** Names that nothing has, definitions that nobody brings, and objects that two make. */
export const REFERENCES: readonly Mistake[] = [
  // Secrets
  across(
    'kubara#301: a store of secrets with its AWS name',
    secretOf('aws-secretsmanager'),
    /^clusters\/production\/fastify-service\.yaml:\d+: externalSecret\.store: must name a ClusterSecretStore of the cluster: there is aws-secrets-manager \(it is "aws-secretsmanager"\); for ExternalSecret\/fastify-service/,
    'external-secrets',
  ),
  honest('a store of secrets that is there', secretOf('aws-secrets-manager'), 'external-secrets'),
  across(
    'a store that does not serve the namespace',
    replaced(secrets, '[argocd, fastify-service, monitoring]', '[argocd, fastify-service]'),
    /^clusters\/shared\/external-secrets\.yaml:\d+: \S+\/external-secrets ClusterSecretStore\/aws-secrets-manager spec\.conditions: must serve the namespace monitoring/,
    'external-secrets',
  ),
  across(
    "a receiver's Secret with a slip",
    replaced(monitoring, 'secrets: [alertmanager-receivers]', 'secrets: [alertmanager-receiver]'),
    /^clusters\/shared\/kube-prometheus-stack\.yaml:\d+: alertmanager\.alertmanagerSpec\.secrets\S*: must name a Secret in namespace monitoring: .*alertmanager-receivers/,
    'kube-prometheus-stack',
  ),
  across(
    "Alertmanager's configuration under another name",
    replaced(monitoring, 'configSecret: alertmanager-config', 'configSecret: alertmanager-routes'),
    /^clusters\/shared\/kube-prometheus-stack\.yaml:\d+: alertmanager\.alertmanagerSpec\.configSecret: must name a Secret in namespace monitoring/,
    'kube-prometheus-stack',
  ),
  across(
    "Grafana's password in a Secret that nobody makes",
    replaced(monitoring, 'existingSecret: grafana-admin', 'existingSecret: grafana'),
    /^clusters\/shared\/kube-prometheus-stack\.yaml:\d+: grafana\.admin\.existingSecret: must name a Secret in namespace monitoring/,
    'kube-prometheus-stack',
  ),
  across(
    'a ConfigMap that the chart does not render',
    replaced(deployment, '- configMapRef:\n                name: {{ .Release.Name }}', '- configMapRef:\n                name: {{ .Release.Name }}-config'), // prettier-ignore
    /^charts\/fastify-service\/templates\/deployment\.yaml:\d+: \S+ Deployment\/fastify-service \S+envFrom\[0\]\.configMapRef\.name: must name a ConfigMap in namespace/,
  ),
  across(
    'the token of previews under a key that its Secret lacks',
    replaced('argocd/applications/previews.yaml', 'key: token', 'key: password'),
    /^argocd\/applications\/previews\.yaml:\d+: dev\/root ApplicationSet\/previews \S+tokenRef\.secretName: must name a key of Secret\/github-pull-requests/,
  ),

  // Classes
  across(
    'approver-policy#403: a priority class of another cluster',
    replaced(shared, 'ingress:\n', 'priorityClassName: business-critical\ningress:\n'),
    /^clusters\/shared\/fastify-service\.yaml:\d+: priorityClassName: must name a PriorityClass of the cluster: there is preview, system-cluster-critical, system-node-critical \(it is "business-critical"\)/,
  ),
  across(
    'a priority class renamed where it is made',
    replaced('argocd/projects/templates/previews.yaml', 'name: preview\n  annotations:\n    argocd.argoproj.io/sync-wave: "-1"\nvalue', 'name: previews\n  annotations:\n    argocd.argoproj.io/sync-wave: "-1"\nvalue'), // prettier-ignore
    /^clusters\/dev\/fastify-service-preview\.yaml:\d+: priorityClassName: must name a PriorityClass/,
    'all',
  ),
  across(
    'aws-load-balancer-controller#2113: the class of Ingresses renamed',
    replaced(balancers, 'enableServiceMutatorWebhook', 'ingressClass: ingress-alb\nenableServiceMutatorWebhook'),
    /^charts\/fastify-service\/templates\/ingress\.yaml:\d+: \S+ Ingress\/fastify-service spec\.ingressClassName: must name an IngressClass of the cluster: there is ingress-alb \(it is "alb"\)/,
    'aws-load-balancer-controller',
  ),
  across(
    'a class of volumes renamed where it is made',
    replaced(monitoring, 'name: gp3\n    provisioner', 'name: gp3-encrypted\n    provisioner'),
    /^clusters\/shared\/kube-prometheus-stack\.yaml:\d+: \S+storageClassName: must name a StorageClass of the cluster: there is gp3-encrypted \(it is "gp3"\)/,
    'kube-prometheus-stack',
  ),
  across(
    'a class of volumes that old clusters had',
    replaced(monitoring, 'storageClassName: gp3\n    size: 2Gi', 'storageClassName: gp2\n    size: 2Gi'),
    /^clusters\/shared\/kube-prometheus-stack\.yaml:\d+: grafana\.persistence\.storageClassName: must name a StorageClass of the cluster: there is gp3 \(it is "gp2"\)/,
    'kube-prometheus-stack',
  ),

  // Controllers
  across(
    'metrics-server#41: an autoscaler without metrics-server',
    without('staging', 'metrics-server'),
    /^clusters\/staging\/cluster\.yaml:\d+: controllers: metrics-server is missing: it brings APIService\/v1beta1\.metrics\.k8s\.io; for HorizontalPodAutoscaler\/fastify-service/,
    'metrics-server',
  ),
  across(
    'an Ingress without its controller',
    without('production', 'aws-load-balancer-controller'),
    /^clusters\/production\/cluster\.yaml:\d+: controllers: aws-load-balancer-controller is missing: it brings IngressClass\/alb; for Ingress/,
    'all',
  ),
  across(
    'secrets without their operator',
    without('production', 'external-secrets'),
    /^clusters\/production\/cluster\.yaml:\d+: controllers: external-secrets is missing: it brings (ClusterSecretStore|the definition)/,
    'all',
  ),
  across(
    "monitors without the operator's definitions",
    without('production', 'prometheus-operator-crds'),
    /^clusters\/production\/cluster\.yaml:\d+: controllers: prometheus-operator-crds is missing: it brings the definition of monitoring\.coreos\.com/,
    'all',
  ),

  // Definitions
  across(
    'argo-cd#5445: an operator without its definitions',
    replaced(secrets, 'webhook:\n', 'installCRDs: false\nwebhook:\n'),
    /^clusters\/shared\/external-secrets\.yaml:\d+: installCRDs: must leave the definitions of external-secrets\.io in the cluster, since nothing else brings them/,
    'all',
  ),
  across(
    'an operator without the definition of its store',
    replaced(secrets, 'crds:\n', 'crds:\n  createClusterSecretStore: false\n'),
    /^clusters\/shared\/external-secrets\.yaml:\d+: \S+ ClusterSecretStore\/aws-secrets-manager kind: the definition of external-secrets\.io\/ClusterSecretStore must come with an Application of the cluster/,
    'all',
  ),
  amongOthers(
    'argo-cd#1884: a monitor of the service, whose definition comes with it',
    [
      {
        file: 'charts/fastify-service/templates/servicemonitor.yaml',
        text: `{{- if eq .Values.zoneSpread "required" }}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ .Release.Name }}-own
  labels:
    {{- include "fastify-service.labels" . | nindent 4 }}
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: fastify-service
  endpoints:
    - port: admin
{{- end }}
`,
      },
      replaced('argocd/applications/prometheus-operator-crds.yaml', 'namespace: argocd\nspec', 'namespace: argocd\n  annotations:\n    argocd.argoproj.io/sync-wave: "1"\nspec'), // prettier-ignore
    ],
    /^argocd\/applications\/fastify-service\.yaml:1: metadata\.annotations\[argocd\.argoproj\.io\/sync-wave\]: must be more than 1, that of prometheus-operator-crds/,
    'all',
  ),
  across(
    'an object of root that waits for what root makes',
    replaced('argocd/projects/templates/notifications.yaml', 'argocd.argoproj.io/sync-options: SkipDryRunOnMissingResource=true', 'argocd.argoproj.io/sync-options: Prune=false'), // prettier-ignore
    /^argocd\/projects\/templates\/notifications\.yaml:\d+: \S+\/root ExternalSecret\/\S+ metadata\.annotations\[\S+\]: must have SkipDryRunOnMissingResource=true/,
    'all',
  ),

  // Namespaces
  across(
    'aws-load-balancer-controller#1808: the readiness gate as an annotation',
    replaced(services, '    # very first pods have no such gate: they are created before the Ingress.\n    elbv2.k8s.aws/pod-readiness-gate-inject: enabled', '    # very first pods have no such gate: they are created before the Ingress.\n  annotations:\n    elbv2.k8s.aws/pod-readiness-gate-inject: enabled'), // prettier-ignore
    /^argocd\/projects\/templates\/services\.yaml:\d+: \S+\/root Namespace\/fastify-service metadata\.labels\[\S+\]: must be enabled: .* \(it is an annotation\)/,
  ),
  across(
    'a namespace without the readiness gate',
    replaced(services, '    elbv2.k8s.aws/pod-readiness-gate-inject: enabled\n', ''),
    /^argocd\/projects\/templates\/services\.yaml:\d+: \S+\/root Namespace\/fastify-service metadata\.labels\[\S+\]: must be enabled/,
  ),
  across(
    'Prometheus in a namespace that is none',
    replaced(shared, 'ingress:\n', 'networkPolicy:\n  monitoringNamespace: prometheus\ningress:\n'),
    /^clusters\/shared\/fastify-service\.yaml:\d+: networkPolicy\.monitoringNamespace: must select a Namespace of the cluster/,
  ),

  // Rights and admission
  across(
    'a binding to a Role that is not there',
    replaced('argocd/projects/templates/break-glass.yaml', 'kind: Role\n  name: break-glass', 'kind: Role\n  name: break-the-glass'), // prettier-ignore
    /^argocd\/projects\/templates\/break-glass\.yaml:\d+: \S+\/root RoleBinding\/break-glass roleRef\.name: must name a Role in namespace argocd/,
  ),
  across(
    'a binding of a policy that is not there',
    replaced('argocd/projects/templates/only-git-changes-applications.yaml', 'policyName: only-git-changes-applications', 'policyName: only-git-changes-application'), // prettier-ignore
    /^argocd\/projects\/templates\/only-git-changes-applications\.yaml:\d+: \S+\/root ValidatingAdmissionPolicyBinding\/\S+ spec\.policyName: must name a ValidatingAdmissionPolicy/,
  ),
  across(
    'a service account that nobody makes',
    replaced(deployment, 'serviceAccountName: {{ .Release.Name }}', 'serviceAccountName: service'),
    /^charts\/fastify-service\/templates\/deployment\.yaml:\d+: \S+ Deployment\/fastify-service spec\.template\.spec\.serviceAccountName: must name a ServiceAccount/,
  ),

  across(
    'an operator under a service account that has no role',
    replaced(secrets, 'webhook:\n', 'serviceAccount:\n  name: secrets-reader\nwebhook:\n'),
    /^clusters\/shared\/external-secrets\.yaml:\d+: serviceAccount\.name: must be external-secrets in namespace external-secrets, the service account that has the role of AWS/,
    'external-secrets',
  ),

  // Circles, and several makers
  amongOthers(
    'a store whose credentials come from itself',
    replaced(secrets, '          service: SecretsManager\n', '          service: SecretsManager\n          auth:\n            secretRef:\n              accessKeyIDSecretRef: { name: grafana-admin, key: id, namespace: monitoring }\n              secretAccessKeySecretRef: { name: grafana-admin, key: secret, namespace: monitoring }\n'), // prettier-ignore
    /needs itself: .*ClusterSecretStore\/aws-secrets-manager → ExternalSecret\/grafana-admin|needs itself: .*ExternalSecret\/grafana-admin → ClusterSecretStore\/aws-secrets-manager/,
    'all',
  ),
  across(
    'argo-cd#15874: two ApplicationSets that make one Application',
    [
      { file: 'argocd/applications/service.yaml', copyOf: 'argocd/applications/fastify-service.yaml' },
      replaced('argocd/applications/service.yaml', 'name: fastify-service\n  namespace: argocd\n  annotations:\n    # After', 'name: service\n  namespace: argocd\n  annotations:\n    # After'), // prettier-ignore
    ],
    /^argocd\/applications\/service\.yaml:1: spec\.template\.metadata\.name: must be a name that no other ApplicationSet gives: argocd\/applications\/fastify-service\.yaml makes the Application fastify-service, too/,
  ),
  across(
    'an ApplicationSet copied, with another Application for the same objects',
    [
      { file: 'argocd/applications/monitoring-2.yaml', copyOf: 'argocd/applications/monitoring.yaml' },
      replaced('argocd/applications/monitoring-2.yaml', 'name: monitoring\n  namespace: argocd', 'name: monitoring-2\n  namespace: argocd'), // prettier-ignore
      replaced('argocd/applications/monitoring-2.yaml', '      name: monitoring\n', '      name: monitoring-2\n'),
    ],
    /must be an object of one Application: monitoring renders it, too \(charts\/monitoring\/\S+\), and so are \d+ more objects/,
  ),

  across(
    'a controller that two Applications install',
    [
      { file: 'argocd/applications/metrics-server-2.yaml', copyOf: 'argocd/applications/metrics-server.yaml' },
      replaced('argocd/applications/metrics-server-2.yaml', 'name: metrics-server\n  namespace: argocd', 'name: metrics-server-2\n  namespace: argocd'), // prettier-ignore
      replaced('argocd/applications/metrics-server-2.yaml', '      name: metrics-server\n', '      name: metrics-server-2\n'), // prettier-ignore
    ],
    /metrics-server-2 \S+ metadata\.name: must be an object of one Application: metrics-server renders it, too/,
    'metrics-server',
  ),

  // Lists
  across(
    "a cluster's spread in place of the shared one",
    replaced('clusters/production/metrics-server.yaml', 'replicas:', 'topologySpreadConstraints:\n  - maxSkew: 1\n    topologyKey: kubernetes.io/hostname\n    whenUnsatisfiable: ScheduleAnyway\n    labelSelector: { matchLabels: { app.kubernetes.io/name: metrics-server } }\nreplicas:'), // prettier-ignore
    /^clusters\/production\/metrics-server\.yaml:2: topologySpreadConstraints: replaces the list of clusters\/shared\/metrics-server\.yaml:\d+, and its entry .* would go/,
    'metrics-server',
  ),
  across(
    "helm#3486: a cluster's list in place of the shared one",
    {
      file: 'clusters/production/external-secrets.yaml',
      text: `replicaCount: 2
extraObjects:
  - apiVersion: external-secrets.io/v1
    kind: ClusterSecretStore
    metadata:
      name: parameters
    spec:
      provider:
        aws:
          service: ParameterStore
          region: us-east-1
`,
    },
    /^clusters\/production\/external-secrets\.yaml:2: extraObjects: replaces the list of clusters\/shared\/external-secrets\.yaml:\d+, and its entry ClusterSecretStore\/aws-secrets-manager would go/,
    'external-secrets',
  ),
];
