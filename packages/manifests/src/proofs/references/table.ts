/** What stands beside a reference: the map that holds it. */
export type Beside = Readonly<Record<string, unknown>>;

/** A field by which one object needs another. */
export interface Reference {
  /** The kinds that have it, group/Kind; `pods` for every kind with pods. */
  readonly holders: readonly string[];
  /** The field that holds the name: `spec.tls[].secretName`; of pods, within their spec. */
  readonly path: string;
  /** The kind that it names, group/Kind, or how the fields beside it tell; undefined where it names no object. */
  readonly target: string | ((beside: Beside) => string | undefined);
  /** The name, where the field holds something else that implies it; undefined where it implies none. */
  readonly nameOf?: (value: string) => string | undefined;
  /** The field beside it that names a key of the target's data. */
  readonly key?: string;
  /** Whether it counts; by default, where `optional` beside it is not true. */
  readonly isMeant?: (beside: Beside) => boolean;
}

const SECRET = '/Secret';
const CONFIG_MAP = '/ConfigMap';

/** The kinds of Kubernetes by their names in references that name no group. */
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const kindBeside =
  (group: string, otherwise: string) =>
  ({ kind }: Beside): string =>
    `${group}/${text(kind) === '' ? otherwise : text(kind)}`;

/** The API that an autoscaler asks for a metric of a type. */
const METRICS_APIS: Readonly<Record<string, string>> = {
  Resource: 'v1beta1.metrics.k8s.io',
  ContainerResource: 'v1beta1.metrics.k8s.io',
  Pods: 'v1beta1.custom.metrics.k8s.io',
  Object: 'v1beta1.custom.metrics.k8s.io',
  External: 'v1beta1.external.metrics.k8s.io',
};

const RBAC = 'rbac.authorization.k8s.io';
const ADMISSION = 'admissionregistration.k8s.io';
const MONITORING = 'monitoring.coreos.com';
const STORES = ['external-secrets.io/ClusterSecretStore', 'external-secrets.io/SecretStore'];
const WEBHOOKS = [`${ADMISSION}/MutatingWebhookConfiguration`, `${ADMISSION}/ValidatingWebhookConfiguration`];
const isServiceAccount = ({ kind }: Beside): string | undefined =>
  kind === 'ServiceAccount' ? '/ServiceAccount' : undefined;

/** Every kind of reference that the fleet uses, and those that its charts can render. */
export const REFERENCES: readonly Reference[] = [
  // Pods
  { holders: ['pods'], path: 'serviceAccountName', target: '/ServiceAccount' },
  { holders: ['pods'], path: 'priorityClassName', target: 'scheduling.k8s.io/PriorityClass' },
  { holders: ['pods'], path: 'runtimeClassName', target: 'node.k8s.io/RuntimeClass' },
  { holders: ['pods'], path: 'imagePullSecrets[].name', target: SECRET },
  { holders: ['pods'], path: 'volumes[].configMap.name', target: CONFIG_MAP },
  { holders: ['pods'], path: 'volumes[].secret.secretName', target: SECRET },
  { holders: ['pods'], path: 'volumes[].projected.sources[].configMap.name', target: CONFIG_MAP },
  { holders: ['pods'], path: 'volumes[].projected.sources[].secret.name', target: SECRET },
  { holders: ['pods'], path: 'volumes[].persistentVolumeClaim.claimName', target: '/PersistentVolumeClaim' },
  ...['containers[]', 'initContainers[]'].flatMap((container): Reference[] => [
    { holders: ['pods'], path: `${container}.envFrom[].configMapRef.name`, target: CONFIG_MAP },
    { holders: ['pods'], path: `${container}.envFrom[].secretRef.name`, target: SECRET },
    { holders: ['pods'], path: `${container}.env[].valueFrom.configMapKeyRef.name`, target: CONFIG_MAP, key: 'key' },
    { holders: ['pods'], path: `${container}.env[].valueFrom.secretKeyRef.name`, target: SECRET, key: 'key' },
  ]),
  // Volumes
  ...['spec.storageClassName', 'spec.volumeClaimTemplates[].spec.storageClassName', 'spec.storage.volumeClaimTemplate.spec.storageClassName'].map((path): Reference => ({
    holders: ['/PersistentVolumeClaim', 'apps/StatefulSet', `${MONITORING}/Prometheus`, `${MONITORING}/Alertmanager`],
    path,
    target: 'storage.k8s.io/StorageClass',
    // An empty one asks for a volume without a class.
    isMeant: ({ storageClassName }) => storageClassName !== '',
  })), // prettier-ignore
  // Autoscalers
  { holders: ['autoscaling/HorizontalPodAutoscaler'], path: 'spec.scaleTargetRef.name', target: ({ apiVersion, kind }) => `${text(apiVersion).replace(/\/?[^/]*$/, '')}/${text(kind)}` }, // prettier-ignore
  { holders: ['autoscaling/HorizontalPodAutoscaler'], path: 'spec.metrics[].type', target: 'apiregistration.k8s.io/APIService', nameOf: (type) => METRICS_APIS[type] }, // prettier-ignore
  // Ways in
  { holders: ['networking.k8s.io/Ingress'], path: 'spec.ingressClassName', target: 'networking.k8s.io/IngressClass' },
  { holders: ['networking.k8s.io/Ingress'], path: 'spec.tls[].secretName', target: SECRET },
  { holders: ['networking.k8s.io/IngressClass'], path: 'spec.parameters.name', target: ({ apiGroup, kind }) => `${text(apiGroup)}/${text(kind)}` }, // prettier-ignore
  { holders: ['gateway.networking.k8s.io/HTTPRoute'], path: 'spec.parentRefs[].name', target: kindBeside('gateway.networking.k8s.io', 'Gateway') }, // prettier-ignore
  { holders: ['gateway.networking.k8s.io/Gateway'], path: 'spec.gatewayClassName', target: 'gateway.networking.k8s.io/GatewayClass' }, // prettier-ignore
  {
    holders: ['gateway.networking.k8s.io/Gateway'],
    path: 'spec.listeners[].tls.certificateRefs[].name',
    target: SECRET,
  },
  // Secrets
  { holders: ['karpenter.sh/NodePool'], path: 'spec.template.spec.nodeClassRef.name', target: ({ group, kind }) => `${text(group)}/${text(kind)}` }, // prettier-ignore
  { holders: ['external-secrets.io/ExternalSecret'], path: 'spec.secretStoreRef.name', target: kindBeside('external-secrets.io', 'SecretStore') }, // prettier-ignore
  ...['accessKeyIDSecretRef', 'secretAccessKeySecretRef', 'sessionTokenSecretRef'].map((field): Reference => ({
    holders: STORES,
    path: `spec.provider.aws.auth.secretRef.${field}.name`,
    target: SECRET,
    key: 'key',
  })),
  { holders: STORES, path: 'spec.provider.aws.auth.jwt.serviceAccountRef.name', target: '/ServiceAccount' },
  { holders: ['/ServiceAccount'], path: 'imagePullSecrets[].name', target: SECRET },
  // Rights
  { holders: [`${RBAC}/RoleBinding`, `${RBAC}/ClusterRoleBinding`], path: 'roleRef.name', target: kindBeside(RBAC, 'Role') }, // prettier-ignore
  { holders: [`${RBAC}/RoleBinding`, `${RBAC}/ClusterRoleBinding`], path: 'subjects[].name', target: isServiceAccount },
  // Extensions of the API server
  { holders: WEBHOOKS, path: 'webhooks[].clientConfig.service.name', target: '/Service' },
  { holders: ['apiregistration.k8s.io/APIService'], path: 'spec.service.name', target: '/Service' },
  { holders: ['apiextensions.k8s.io/CustomResourceDefinition'], path: 'spec.conversion.webhook.clientConfig.service.name', target: '/Service' }, // prettier-ignore
  ...['Validating', 'Mutating'].map((how): Reference => ({
    holders: [`${ADMISSION}/${how}AdmissionPolicyBinding`],
    path: 'spec.policyName',
    target: `${ADMISSION}/${how}AdmissionPolicy`,
  })),
  // Monitoring
  { holders: [`${MONITORING}/Alertmanager`], path: 'spec.configSecret', target: SECRET },
  { holders: [`${MONITORING}/Alertmanager`, `${MONITORING}/Prometheus`], path: 'spec.secrets[]', target: SECRET },
  {
    holders: [`${MONITORING}/Alertmanager`, `${MONITORING}/Prometheus`],
    path: 'spec.configMaps[]',
    target: CONFIG_MAP,
  },
  { holders: [`${MONITORING}/Prometheus`], path: 'spec.alerting.alertmanagers[].name', target: '/Service' },
  // Argo CD
  { holders: ['argoproj.io/Application'], path: 'spec.destination.namespace', target: '/Namespace' },
  ...['spec.generators[].pullRequest.github.tokenRef.secretName', 'spec.generators[].matrix.generators[].pullRequest.github.tokenRef.secretName'].map((path): Reference => ({
    holders: ['argoproj.io/ApplicationSet'],
    path,
    target: SECRET,
    key: 'key',
  })), // prettier-ignore
];

/** A field that chooses objects by their labels: one must have them. */
export interface Selection {
  readonly holders: readonly string[];
  /** The field that holds the selector. */
  readonly path: string;
  readonly target: '/Namespace';
}

export const SELECTIONS: readonly Selection[] = [
  {
    holders: ['networking.k8s.io/NetworkPolicy'],
    path: 'spec.ingress[].from[].namespaceSelector',
    target: '/Namespace',
  },
  { holders: ['networking.k8s.io/NetworkPolicy'], path: 'spec.egress[].to[].namespaceSelector', target: '/Namespace' },
  { holders: [`${ADMISSION}/ValidatingAdmissionPolicy`, `${ADMISSION}/MutatingAdmissionPolicy`], path: 'spec.matchConstraints.namespaceSelector', target: '/Namespace' }, // prettier-ignore
];

/** A field that looks like a reference: the end of its path, and what proves it, or why it is none. */
export interface Elsewhere {
  /** The kind, group/Kind, `pods` or `*`. */
  readonly holder: string;
  /** The end of the path. */
  readonly path: string;
  readonly because: string;
}

const labels = 'a label is compared by selectors, which rules and proofs follow to pods and Services';
const inObject = 'it names a part of the same object, which the API server checks';
const ofChart = 'a value of Helm: its schema, or the list of what an upstream chart knows, checks it';

export const ELSEWHERE: readonly Elsewhere[] = [
  { holder: '*', path: 'app.kubernetes.io/name', because: labels },
  { holder: '*', path: 'operator.prometheus.io/name', because: labels },
  { holder: '*', path: 'kubernetes.io/metadata.name', because: 'SELECTIONS: a Namespace must have it' },
  { holder: '*', path: 'pod-security.kubernetes.io/warn', because: 'a level of Pod Security' },
  { holder: 'pods', path: 'containers[].name', because: 'the name of the container itself' },
  { holder: 'pods', path: 'initContainers[].name', because: 'the name of the container itself' },
  { holder: 'pods', path: 'env[].name', because: 'the name of a variable; "contract of the environment" compares it' },
  { holder: 'pods', path: 'ports[].name', because: 'the name of a port, which probes and Services find (rules)' },
  { holder: 'pods', path: 'volumeMounts[].name', because: inObject },
  { holder: 'pods', path: 'volumes[].name', because: 'the name of the volume itself' },
  { holder: 'pods', path: 'dnsConfig.options[].name', because: 'an option of the resolver' },
  { holder: 'pods', path: 'portName', because: 'the name of a port of its own' },
  { holder: 'apps/Deployment', path: 'spec.template.spec.containers[].env[].valueFrom.resourceFieldRef.containerName', because: inObject }, // prettier-ignore
  { holder: 'apps/Deployment', path: 'spec.template.spec.schedulerName', because: "Kubernetes' own" },
  { holder: 'karpenter.k8s.aws/EC2NodeClass', path: 'spec.blockDeviceMappings[].deviceName', because: 'a device of the image' }, // prettier-ignore
  { holder: 'karpenter.k8s.aws/EC2NodeClass', path: 'spec.tags.Name', because: 'a tag in AWS' },
  { holder: 'karpenter.k8s.aws/EC2NodeClass', path: 'spec.tags.project', because: 'a tag in AWS' },
  { holder: 'apps/StatefulSet', path: 'spec.serviceName', because: 'for names of single pods, which nobody uses; that of Argo CD has no Service' }, // prettier-ignore
  { holder: 'batch/Job', path: 'onExitCodes.containerName', because: inObject },
  {
    holder: 'argoproj.io/AppProject',
    path: 'clusterResourceWhitelist[].name',
    because: 'grants of projects: each is used',
  },
  { holder: 'argoproj.io/ApplicationSet', path: 'spec.template.metadata.name', because: 'the name of an Application' },
  { holder: 'argoproj.io/ApplicationSet', path: 'ignoreDifferences[].name', because: 'determinism: it differs in each render' }, // prettier-ignore
  { holder: 'argoproj.io/ApplicationSet', path: 'spec.project', because: 'projects: every Application has one' },
  { holder: 'argoproj.io/ApplicationSet', path: 'helm.parameters[].name', because: ofChart },
  { holder: 'argoproj.io/ApplicationSet', path: 'helm.releaseName', because: 'the name of a release' },
  {
    holder: 'argoproj.io/ApplicationSet',
    path: 'sources[].ref',
    because: 'rendering refuses a $name without a source',
  },
  { holder: 'argoproj.io/Application', path: 'ignoreDifferences[].name', because: 'as in its ApplicationSet' },
  { holder: 'argoproj.io/Application', path: 'spec.project', because: 'projects: every Application has one' },
  { holder: 'argoproj.io/Application', path: 'helm.parameters[].name', because: ofChart },
  { holder: 'argoproj.io/Application', path: 'helm.releaseName', because: 'the name of a release' },
  { holder: 'argoproj.io/Application', path: 'sources[].ref', because: 'rendering refuses a $name without a source' },
  { holder: `${RBAC}/ClusterRole`, path: 'resourceNames', because: 'a right to objects that may come later' },
  { holder: `${RBAC}/Role`, path: 'resourceNames', because: 'a right to objects that may come later' },
  { holder: 'external-secrets.io/ClusterSecretStore', path: 'aws.service', because: 'a service of AWS' },
  { holder: 'external-secrets.io/ExternalSecret', path: 'spec.target.name', because: 'the name of the Secret that it makes' }, // prettier-ignore
  { holder: 'autoscaling/HorizontalPodAutoscaler', path: 'containerResource.name', because: 'the name of a resource' },
  { holder: 'networking.k8s.io/Ingress', path: 'group.name', because: 'load balancers of one group are one' },
  { holder: 'networking.k8s.io/Ingress', path: 'backend.service.name', because: 'the rule ways-in-lead-somewhere' },
  {
    holder: 'networking.k8s.io/Ingress',
    path: 'backend.service.port.name',
    because: 'the rule ways-in-lead-somewhere',
  },
  ...['Validating', 'Mutating'].flatMap((how): Elsewhere[] => [
    {
      holder: `${ADMISSION}/${how}AdmissionPolicy`,
      path: 'matchConditions[].name',
      because: 'the name of a condition',
    },
    { holder: `${ADMISSION}/${how}AdmissionPolicy`, path: 'variables[].name', because: 'the name of a variable' },
    { holder: `${ADMISSION}/${how}WebhookConfiguration`, path: 'webhooks[].name', because: 'the name of a webhook' },
  ]),
  { holder: `${MONITORING}/PodMonitor`, path: 'namespaceSelector.matchNames', because: 'monitors: it selects pods' },
  { holder: `${MONITORING}/ServiceMonitor`, path: 'namespaceSelector.matchNames', because: 'monitors: it selects a Service' }, // prettier-ignore
  { holder: `${MONITORING}/ServiceMonitor`, path: 'tlsConfig.serverName', because: 'a name in a certificate' },
  { holder: `${MONITORING}/PrometheusRule`, path: 'groups[].name', because: 'the name of a group of rules' },
  { holder: '/ResourceQuota', path: 'matchExpressions[].scopeName', because: 'a scope of quotas' },
  { holder: '/Service', path: 'ports[].name', because: 'the name of a port' },
];
