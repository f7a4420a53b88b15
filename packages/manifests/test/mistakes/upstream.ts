import type { Mistake } from './slip.ts';
import { after, at, before, inFile, remove, replace } from './slip.ts';

const controllers = 'argocd/projects/templates/controllers.yaml';
const upstream = (name: string) => ({
  shared: `clusters/shared/${name}.yaml`,
  staging: `clusters/staging/${name}.yaml`,
  set: `argocd/applications/${name}.yaml`,
});
const metrics = upstream('metrics-server');
const secrets = upstream('external-secrets');
const balancers = upstream('aws-load-balancer-controller');
const stack = upstream('kube-prometheus-stack');

const redis =
  'redis:\n  automountServiceAccountToken: false\n  livenessProbe:\n    enabled: true\n  readinessProbe:\n    enabled: true\n';

/** What the project of the controllers does not allow, and where it stands. */
const denied = (what: RegExp, key?: RegExp): RegExp =>
  new RegExp(`${key?.source ?? ''}AppProject controllers does not allow ${what.source}`);

export const UPSTREAM: readonly Mistake[] = [
  // Upstream charts, and what they are given
  inFile(
    metrics.shared,
    {
      'a key of an upstream chart misspelt': replace('topologySpreadConstraints:', 'topologySpreadConstraint:').reports(
        /topologySpreadConstraint: unknown value/,
      ),
      'more of a controller than the nodes hold': replace('cpu: 100m', 'cpu: 1800m').reportsAs(
        at('clusters/dev/cluster.yaml', /nodePool\.maxCpus: .*Deployment\/metrics-server cannot be scheduled/),
      ),
    },
    'metrics-server',
  ),
  ...['aws-load-balancer-controller', 'external-secrets', 'karpenter']
    .map((name) =>
      inFile(
        `argocd/network-policies/${name}/ingress.yaml`,
        {
          'the port of metrics closed to Prometheus': replace('port: 8080', 'port: 8081').reports(
            new RegExp(
              `dev/${name} NetworkPolicy/${name} spec\\.ingress: must let Prometheus reach Deployment/${name} on TCP 8080`,
            ),
          ),
          'metrics for another pod of monitoring': replace('name: prometheus', 'name: grafana').reports(
            /.*must let Prometheus reach Deployment/,
          ),
        },
        name,
      ),
    )
    .flat(),
  inFile(
    'clusters/dev/argocd.yaml',
    {
      'a key of Argo CD’s own chart misspelt': replace('domain:', 'domian:').reports(/global\.domian: unknown value/),
    },
    'argo-cd',
  ),
  inFile(
    'argocd/values.yaml',
    {
      'a part of Argo CD that asks for nothing': replace(`${redis}  resources:`, `${redis}  resource:`).reports(
        /redis\.resource: unknown value/,
      ),
      'a part of Argo CD larger than any node': replace(
        '      memory: 512Mi\n      ephemeral-storage: 64Mi\n    limits:\n      memory: 512Mi',
        '      memory: 4Gi\n      ephemeral-storage: 64Mi\n    limits:\n      memory: 4Gi',
      ).reportsAs(
        at(
          'clusters/dev/cluster.yaml',
          /nodePool\.maxCpus: .*StatefulSet\/argocd-application-controller cannot be scheduled/,
        ),
      ),
    },
    'argo-cd',
  ),
  inFile(
    metrics.staging,
    {
      'a key that another upstream chart has': replace('replicas: 2', 'replicaCount: 2').reports(
        /replicaCount: unknown value/,
      ),
      'a number in quotes for an upstream chart': replace('replicas: 2', 'replicas: two').reportsAs(
        at(
          `${metrics.shared}:1`,
          /staging\/metrics-server Deployment\/metrics-server: spec\.replicas: must be integer/,
        ),
      ),
    },
    'metrics-server',
  ),
  inFile(
    balancers.shared,
    {
      'a key below another, spelt as it should have been': replace(
        'ingressValdationFailurePolicy',
        'ingressValidationFailurePolicy',
      ).reports(/webhookConfig\.ingressValidationFailurePolicy: unknown value/),
      'a text for a section': replace('webhookConfig:\n', 'webhookConfig: off\nwebhookConfigBefore:\n').reports(
        /webhookConfig: .*(map|quoted)/,
      ),
      'a key of Kubernetes misspelt, which an upstream chart passes on': replace(
        'maxUnavailable: 1',
        'maxUnavailble: 1',
      ).reportsAtTop(/.*PodDisruptionBudget.*maxUnavailble: unknown field/),
      'a controller with all capabilities': replace('drop: [ALL]', 'drop: [NET_RAW]').reportsAtTop(
        /.*Pod Security: .*capabilities/,
      ),
    },
    'aws-load-balancer-controller',
  ),
  inFile(
    secrets.shared,
    {
      'a store of a service that AWS does not have': replace(
        'service: SecretsManager',
        'service: SecretManager',
      ).reportsAtTop(/.*ClusterSecretStore\/aws-secrets-manager: spec\.provider\.aws\.service: must be one of/),
      'a controller without its memory': replace('    memory: 128Mi\n    ephemeral', '    ephemeral').reportsAtTop(
        /.*resources\.requests\.memory: must be set/,
      ),
    },
    'external-secrets',
  ),
  inFile(
    stack.shared,
    {
      'a key of a chart within an upstream chart misspelt': replace(
        '  deploymentStrategy:',
        '  deploymentStrategie:',
      ).reports(/grafana\.deploymentStrategie: unknown value/),
      'Grafana closed to Prometheus': replace(
        "kubectl port-forward`, which is the node's own connection.\n        - from:\n            - podSelector:\n                matchLabels:\n                  app.kubernetes.io/name: prometheus",
        "kubectl port-forward`, which is the node's own connection.\n        - from:\n            - podSelector:\n                matchLabels:\n                  app.kubernetes.io/name: prom",
      ).reportsAtTop(
        /.*NetworkPolicy\/grafana spec\.ingress: must let Prometheus reach Deployment\/grafana on TCP 3000/,
      ),
      'a Prometheus larger than any node': replace(
        '        memory: 768Mi\n        ephemeral-storage: 64Mi\n      limits:\n        memory: 768Mi',
        '        memory: 7Gi\n        ephemeral-storage: 64Mi\n      limits:\n        memory: 7Gi',
      ).reportsAs(
        at('clusters/dev/cluster.yaml', /nodePool\.maxCpus: .*StatefulSet\/prometheus-kps cannot be scheduled/),
      ),
    },
    'kube-prometheus-stack',
  ),
  inFile(metrics.set, {
    'a range of versions in place of one': replace('targetRevision: 3.13.1', 'targetRevision: 3.13.x').reportsAtTop(
      /dev\/metrics-server: targetRevision must be one exact version \(it is 3\.13\.x\)/,
    ),
    'a values file of an upstream chart that is not there': replace(
      '$values/clusters/shared/metrics-server.yaml',
      '$values/clusters/shared/metrics.yaml',
    ).reportsAs(
      at(
        'clusters/shared/metrics.yaml:1',
        /the file: does not exist; argocd\/applications\/metrics-server\.yaml names it/,
      ),
    ),
    'a values file whose push would go unnoticed': remove('/clusters/shared/metrics-server.yaml;').reportsAtTop(
      /.*must name clusters\/shared\/metrics-server\.yaml/,
    ),
  }),
  inFile(
    metrics.set,
    {
      'a reference to a source that has another name': replace('ref: values', 'ref: value').reportsAtTop(
        /.*values file \$values\/clusters\/shared\/metrics-server\.yaml: no source has `ref: values`/,
      ),
    },
    'metrics-server',
  ),
  inFile(secrets.set, {
    'a Helm repository with a slip': replace(
      'https://charts.external-secrets.io',
      'https://chart.external-secrets.io',
    ).reportsAtTop(
      /spec\.sources: AppProject controllers does not allow the repository https:\/\/chart\.external-secrets\.io/,
    ),
  }),
  inFile(
    secrets.set,
    {
      'a store that a parameter does not meet': replace('extraObjects[0]', 'extraObjects[1]').reportsAs(
        /^(argocd\/applications\/external-secrets\.yaml|clusters\/shared\/external-secrets\.yaml):1: /,
      ),
    },
    'external-secrets',
  ),
  inFile(controllers, {
    'a Helm repository that the project does not allow': remove('    - https://charts.external-secrets.io\n').reportsAs(
      at(`${secrets.set}:1`, denied(/the repository https:\/\/charts\.external-secrets\.io/, /spec\.sources: /)),
    ),
  }),
  inFile(
    controllers,
    {
      'a cluster-wide name that the project does not allow': replace(
        'name: aws-load-balancer-controller-role }',
        'name: aws-load-balancer-role }',
      ).reportsAs(denied(/rbac\.authorization\.k8s\.io\/ClusterRole/)),
    },
    'aws-load-balancer-controller',
  ),
  inFile(
    controllers,
    {
      'a namespace that the project does not allow': replace(
        'namespace: kube-system',
        'namespace: kube-public',
      ).reportsAs(denied(/the namespace kube-system/, /RoleBinding\/metrics-server-auth-reader metadata\.namespace: /)),
    },
    'metrics-server',
  ),
  inFile(
    balancers.set,
    {
      'a certificate of each render, compared': remove(
        '        - kind: Secret\n          name: aws-load-balancer-tls\n          jsonPointers: [/data]\n',
      ).reportsAs(
        at(`${balancers.shared}:1`, /.*Secret\/aws-load-balancer-tls data\S*: differs from one render to the next/),
      ),
      'something left to the cluster that never differs': before(
        '        - kind: Secret\n',
        '        - kind: ServiceAccount',
        '          name: aws-load-balancer-controller',
        '          jsonPointers: [/automountServiceAccountToken]',
      ).reportsAtTop(/ignoreDifferences: ServiceAccount\/aws-load-balancer-controller is the same in every render/),
    },
    'aws-load-balancer-controller',
  ),
  inFile(balancers.set, {
    'a fact that a controller needs and the cluster does not have': replace(
      '.metadata.annotations.vpcId',
      '.metadata.annotations.vpc',
    ).reportsAtTop(/.*vpc/),
  }),
  inFile('clusters/staging/cluster.yaml', {
    'a controller switched off whose values stay': replace(
      'name: staging\n',
      'name: staging\ncontrollers: [metrics-server, external-secrets, prometheus-operator-crds, kube-prometheus-stack, karpenter]\n',
    ).reportsAs(at(`${balancers.staging}:1`, /the file: no Application reads it/)),
  }),
  inFile('argocd/applications/argocd.yaml', {
    'a step of Argo CD without the version of its chart': replace('          chart: 10.8.0\n', '').reports(
      /values\.chart: must be one exact version of the chart/,
    ),
    'a version of Argo CD that is no tag of its images': replace('version: v3.5.7', 'version: 3.5.7').reports(
      /values\.version: must be a version of Argo CD as its images are tagged/,
    ),
    'an Argo CD that the tests do not run': replace('version: v3.5.7', 'version: v3.5.8').reports(
      /values\.version: must not be newer than that of the local machine, v3\.5\.7 \(it is "v3\.5\.8"\)/,
    ),
    'an Argo CD that is newer in staging than in dev': replace('version: v3.5.7', 'version: v3.5.6').reports(
      /values\.version: must not be newer than that of dev, v3\.5\.6/,
    ),
    'an Argo CD that is left behind by more than a minor version': replace(
      'values: [dev, staging] }\n        values:\n          chart: 10.8.0\n          version: v3.5.7',
      'values: [dev, staging] }\n        values:\n          chart: 10.8.0\n          version: v3.3.9',
    ).reports(/values\.version: must be at most one minor version behind staging, v3\.5\.7: upgrade this step first/),
    'a cluster that no step is for': replace(
      'values: [dev, staging] }',
      'values: [dev, staging, production] }',
    ).reportsAtTop(
      /spec\.generators: must make one Application for production, of the chart 10\.8\.0.*\(it makes none\)/,
    ),
    'a cluster that two steps are for': replace('values: [dev, staging] }', 'values: [dev] }').reportsAtTop(
      /spec\.generators: must make one Application for staging, .*\(it makes 10\.8\.0, 10\.8\.0\)/,
    ),
  }),
  inFile(
    'argocd/values.yaml',
    {
      'Argo CD without its definitions': after('crds:', '  install: false').reports(
        /\S+ CustomResourceDefinition\/applications\.argoproj\.io: must be rendered: nothing else brings it/,
      ),
      'a definition of Argo CD that may be pruned': replace(
        'ServerSideApply=true,Prune=false',
        'ServerSideApply=true',
      ).reports(/\S+ CustomResourceDefinition\/appprojects\.argoproj\.io: must have the sync option Prune=false/),
      "Argo CD's own Secret that may be pruned": replace(
        'sync-options: Prune=false',
        'sync-options: PruneLast=true',
      ).reports(/\S+ Secret\/argocd-secret: must have the sync option Prune=false/),
    },
    'argo-cd',
  ),
].flat();
