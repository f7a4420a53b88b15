/** A slip that somebody makes in a file, and what they must be told. */
export interface Mistake {
  readonly name: string;
  readonly file: string;
  /** What is replaced; a mistake that does not find it fails its test. */
  readonly from: string;
  readonly to: string;
  /** Must match one of the problems: file and key, and what is wrong. */
  readonly told: RegExp;
}

const production = 'clusters/production/fastify-service.yaml';
const dev = 'clusters/dev/fastify-service.yaml';
const shared = 'clusters/shared/fastify-service.yaml';
const image = 'clusters/production/fastify-service.image.yaml';
const settings = 'clusters/production/cluster.yaml';
const applications = 'argocd/applications/fastify-service.yaml';
const projects = 'argocd/projects/templates/services.yaml';
const chart = 'charts/fastify-service';
const controllers = 'argocd/projects/templates/controllers.yaml';
const upstream = (name: string): { shared: string; staging: string; set: string } => ({ shared: `clusters/shared/${name}.yaml`, staging: `clusters/staging/${name}.yaml`, set: `argocd/applications/${name}.yaml` });
const metrics = upstream('metrics-server');
const secrets = upstream('external-secrets');
const balancers = upstream('aws-load-balancer-controller');

const inProduction = (line: number | string, key: string): string => `^clusters/production/fastify-service\\.yaml:${line}: ${key.replaceAll('.', '\\.')}: `;
const told = (place: string, rule: string): RegExp => new RegExp(place + rule);

/** A hundred slips and more, as they happen: names, types, levels, quotes, numbers that do not fit together, files in the wrong place, templates. */
export const MISTAKES: readonly Mistake[] = [
  // Names
  { name: 'a key misspelt', file: production, from: 'zoneSpread:', to: 'zoneSpred:', told: told(inProduction('\\d+', 'zoneSpred'), 'is no value of this chart') },
  { name: 'a key misspelt below another', file: production, from: 'maxReplicas:', to: 'maxReplica:', told: told(inProduction('\\d+', 'autoscaling.maxReplica'), 'is no value') },
  { name: 'a key in another case', file: dev, from: 'logLevel:', to: 'loglevel:', told: /^clusters\/dev\/fastify-service\.yaml:\d+: loglevel: is no value/ },
  { name: 'a name of Kubernetes in place of the chart’s', file: dev, from: 'replicas: 1', to: 'replicaCount: 1', told: /^clusters\/dev\/fastify-service\.yaml:\d+: replicaCount: is no value/ },
  { name: 'a key on the wrong level', file: production, from: '  memory: 512Mi\n', to: 'memory: 512Mi\n', told: told(inProduction('\\d+', 'memory'), 'is no value') },
  { name: 'a whole section one level too deep', file: production, from: 'zoneSpread: required', to: '  zoneSpread: required', told: told(inProduction('\\d+', 'resources.zoneSpread'), 'is no value') },
  { name: 'a key that another chart has', file: shared, from: 'ingress:', to: 'nodeSelector: {}\ningress:', told: /^clusters\/shared\/fastify-service\.yaml:\d+: nodeSelector: is no value/ },
  { name: 'a value that an enumeration lacks', file: dev, from: 'logLevel: debug', to: 'logLevel: verbose', told: /^clusters\/dev\/fastify-service\.yaml:\d+: logLevel: .*'debug'/ },
  { name: 'a scheme that AWS does not know', file: shared, from: 'internet-facing', to: 'public', told: /^clusters\/shared\/fastify-service\.yaml:\d+: ingress\.scheme: .*internal/ },
  { name: 'an unknown spread', file: production, from: 'zoneSpread: required', to: 'zoneSpread: mandatory', told: told(inProduction('\\d+', 'zoneSpread'), ".*'required'") },

  // Types and quotes
  { name: 'a number in quotes', file: production, from: 'maxReplicas: 6', to: 'maxReplicas: "6"', told: told(inProduction('\\d+', 'autoscaling.maxReplicas'), 'got string, want integer \\(it is "6"\\)') },
  { name: 'a switch in quotes', file: production, from: 'enabled: true', to: 'enabled: "true"', told: told(inProduction('\\d+', 'autoscaling.enabled'), 'got string, want boolean') },
  { name: 'yes for true', file: production, from: 'enabled: true', to: 'enabled: yes', told: told(inProduction('\\d+', 'autoscaling.enabled'), 'yes must stand in quotes') },
  { name: 'a fraction of a pod', file: production, from: 'minReplicas: 3', to: 'minReplicas: 2.5', told: told(inProduction('\\d+', 'autoscaling.minReplicas'), '.*integer') },
  { name: 'a negative count', file: dev, from: 'replicas: 1', to: 'replicas: -1', told: /^clusters\/dev\/fastify-service\.yaml:\d+: replicas: .*minimum/ },
  { name: 'CPU without its unit', file: production, from: 'cpu: 500m', to: 'cpu: 500', told: told(inProduction('\\d+', 'resources.cpu'), 'got number, want string') },
  { name: 'memory in an odd unit', file: production, from: 'memory: 512Mi', to: 'memory: 512MB', told: told(inProduction('\\d+', 'resources.memory'), 'must be mebibytes.*512MB') },
  { name: 'memory in thousandths, as CPU is', file: production, from: 'memory: 512Mi', to: 'memory: 512m', told: told(inProduction('\\d+', 'resources.memory'), '.*512m') },
  { name: 'a map for a text', file: production, from: 'memory: 512Mi', to: 'memory: {limit: 512Mi}', told: told(inProduction('\\d+', 'resources.memory'), 'got object, want string') },
  { name: 'a list for a map', file: production, from: 'resources:\n', to: 'resources: []\nresourcesBefore:\n', told: told(inProduction('\\d+', 'resources'), 'got array, want object') },
  { name: 'a switch for the section that holds it', file: dev, from: 'podDisruptionBudget:\n  enabled: false', to: 'podDisruptionBudget: false', told: /^clusters\/dev\/fastify-service\.yaml:\d+: podDisruptionBudget: got boolean, want object/ },
  { name: 'a section that is empty', file: production, from: '  deletionProtection: true\n', to: '', told: /^clusters\/production\/fastify-service\.yaml:\d+: ingress: |^charts/ },
  { name: 'an address in place of a name', file: production, from: 'host: fastify-service.production.example.com', to: 'host: https://fastify-service.production.example.com', told: told(inProduction(3, 'host'), 'must be a DNS name in lower case.*it is') },
  { name: 'a host in capitals', file: production, from: 'host: fastify-service', to: 'host: Fastify-service', told: told(inProduction(3, 'host'), 'must be a DNS name in lower case.*it is') },
  { name: 'a default that a cluster takes away', file: production, from: 'cpu: 500m', to: 'cpu: null', told: /resources\.cpu: |resources: / },

  // Numbers that do not fit together
  { name: 'as many pods at least as at most', file: production, from: 'maxReplicas: 6', to: 'maxReplicas: 3', told: told(inProduction('\\d+', 'autoscaling.maxReplicas'), 'must be greater .*maxReplicas 3, minReplicas 3') },
  { name: 'a budget for one pod', file: dev, from: 'enabled: false', to: 'enabled: true', told: /^clusters\/dev\/fastify-service\.yaml:\d+: podDisruptionBudget\.enabled: needs two pods/ },
  { name: 'a budget for an autoscaler that goes down to one', file: production, from: 'minReplicas: 3', to: 'minReplicas: 1', told: /podDisruptionBudget\.enabled: needs two pods.*autoscaling\.minReplicas 1/ },
  { name: 'readiness longer than the deadline', file: production, from: 'zoneSpread:', to: 'rollout:\n  minReadySeconds: 200\nzoneSpread:', told: told(inProduction('\\d+', 'rollout.minReadySeconds'), 'must be less than') },
  { name: 'a deadline shorter than a start', file: production, from: 'zoneSpread:', to: 'rollout:\n  progressDeadlineSeconds: 35\nzoneSpread:', told: told(inProduction('\\d+', 'rollout.progressDeadlineSeconds'), 'must be greater than') },
  { name: 'a shutdown longer than a spot instance’s notice', file: production, from: 'zoneSpread:', to: 'shutdown:\n  preStopSeconds: 108\nzoneSpread:', told: told(inProduction('\\d+', 'shutdown.preStopSeconds'), '.*110 s') },
  { name: 'deregistration shorter than the drain', file: production, from: '  deletionProtection: true', to: '  deletionProtection: true\n  deregistrationSeconds: 5', told: told(inProduction('\\d+', 'ingress.deregistrationSeconds'), 'must lie between') },
  { name: 'deregistration longer than the pod lives', file: production, from: '  deletionProtection: true', to: '  deletionProtection: true\n  deregistrationSeconds: 300', told: told(inProduction('\\d+', 'ingress.deregistrationSeconds'), 'must lie between') },
  { name: 'a drain that the deregistration does not cover', file: shared, from: 'ingress:', to: 'shutdown:\n  drainSeconds: 30\ningress:', told: /ingress\.deregistrationSeconds: must lie between/ },
  { name: 'a load balancer that keeps connections longer than the service', file: shared, from: 'ingress:', to: 'ingress:\n  idleTimeoutSeconds: 120', told: /^clusters\/shared\/fastify-service\.yaml:\d+: ingress\.idleTimeoutSeconds: must be less than the 72 s/ },
  { name: 'one port for two listeners', file: shared, from: 'ingress:', to: 'adminPort: 8080\ningress:', told: /^clusters\/shared\/fastify-service\.yaml:\d+: adminPort: must differ from port/ },
  { name: 'a privileged port', file: shared, from: 'ingress:', to: 'port: 80\ningress:', told: /^clusters\/shared\/fastify-service\.yaml:\d+: port: .*minimum/ },
  { name: 'an Ingress and an HTTPRoute', file: production, from: 'zoneSpread:', to: 'httpRoute:\n  enabled: true\n  gateway: {name: public, namespace: gateway-system}\nzoneSpread:', told: /ingress\.enabled: exactly one of/ },
  { name: 'neither of the two', file: shared, from: 'ingress:', to: 'ingress:\n  enabled: false', told: /^clusters\/shared\/fastify-service\.yaml:\d+: ingress\.enabled: exactly one of/ },
  { name: 'an HTTPRoute without its Gateway', file: dev, from: 'ingress:', to: 'httpRoute:\n  enabled: true\ningress:\n  enabled: false', told: /^(clusters\/dev|charts\/fastify-service)\/\S+:\d+: httpRoute\.gateway/ },
  { name: 'an ExternalSecret without its store', file: production, from: 'zoneSpread:', to: 'externalSecret:\n  enabled: true\nzoneSpread:', told: /externalSecret\.(store|key): / },
  { name: 'a certificate without TLS', file: dev, from: '  https: false', to: '  https: false\n  certificateArn: arn:aws:acm:eu-central-1:111111111111:certificate/12345678-1234-1234-1234-123456789012', told: /^clusters\/dev\/fastify-service\.yaml:\d+: ingress\.certificateArn: counts for nothing/ },
  { name: 'more pods than the nodes hold without a zone', file: production, from: 'maxReplicas: 6', to: 'maxReplicas: 60', told: /^clusters\/production\/cluster\.yaml:\d+: nodeGroup\.maxSize: .*without a place: short of \d+m CPU/ },
  { name: 'pods larger than a node', file: production, from: 'memory: 512Mi', to: 'memory: 8192Mi', told: /^clusters\/production\/cluster\.yaml:\d+: nodeGroup\.maxSize: .*short of \d+ MiB memory/ },
  { name: 'a way out to the instance metadata', file: production, from: 'zoneSpread:', to: 'networkPolicy:\n  egress: [{cidr: 169.254.169.254/32, port: 80}]\nzoneSpread:', told: /networkPolicy\.egress/ },
  { name: 'a network that begins in the middle', file: production, from: 'zoneSpread:', to: 'networkPolicy:\n  dnsCidrs: [10.0.0.5/24]\nzoneSpread:', told: told(inProduction('\\d+', 'networkPolicy.dnsCidrs.0'), '.*first address') },
  { name: 'a way out that nobody asked for', file: production, from: 'zoneSpread:', to: 'networkPolicy:\n  egress: [{cidr: 203.0.113.0/24, port: 443}]\nzoneSpread:', told: /networkpolicy\.yaml:\d+: production\/fastify-service NetworkPolicy\/fastify-service .*egress/ },

  // Images
  { name: 'the tag latest', file: image, from: 'tag: "0.1.0"', to: 'tag: "latest"', told: /^clusters\/production\/fastify-service\.image\.yaml:\d+: tag: latest names no version/ },
  { name: 'a tag that is a number', file: image, from: 'tag: "0.1.0"', to: 'tag: 1.10', told: /^clusters\/production\/fastify-service\.image\.yaml:\d+: tag: must be text in quotes/ },
  { name: 'a digest cut short', file: image, from: '79bf6be6', to: '', told: /^clusters\/production\/fastify-service\.image\.yaml:\d+: digest: must be sha256/ },
  { name: 'more than an image in an image file', file: image, from: 'image:\n', to: 'replicas: 3\nimage:\n', told: /^clusters\/production\/fastify-service\.image\.yaml:\d+: replicas: is not known here/ },

  // Files
  { name: 'a tab', file: production, from: '  minReplicas: 3', to: '\tminReplicas: 3', told: told('^clusters/production/fastify-service\\.yaml:\\d+: the file: ', 'has a tab') },
  { name: 'a key twice', file: production, from: 'zoneSpread: required', to: 'zoneSpread: required\nzoneSpread: preferred', told: told('^clusters/production/fastify-service\\.yaml:\\d+: the file: ', '.*unique') },
  { name: 'two documents', file: production, from: 'zoneSpread:', to: '---\nzoneSpread:', told: told('^clusters/production/fastify-service\\.yaml:\\d+: the file: ', '.*multiple documents') },
  { name: 'a colon without its space', file: production, from: 'cpu: 500m', to: 'cpu:500m', told: told('^clusters/production/fastify-service\\.yaml:\\d+: ', '') },

  // Settings of a cluster
  { name: 'an account without quotes', file: settings, from: 'accountId: "333333333333"', to: 'accountId: 033333333333', told: /^clusters\/production\/cluster\.yaml:\d+: accountId: 033333333333 must stand in quotes/ },
  { name: 'an account with a digit too few', file: settings, from: '"333333333333"', to: '"33333333333"', told: /^clusters\/production\/cluster\.yaml:\d+: accountId: does not fit/ },
  { name: 'a version of Kubernetes without quotes', file: 'clusters/shared/cluster.yaml', from: '"1.36"', to: '1.36', told: /^clusters\/shared\/cluster\.yaml:\d+: kubernetesVersion: must be string/ },
  { name: 'a zone of another region', file: settings, from: 'eu-central-1c', to: 'eu-west-1c', told: /^clusters\/production\/cluster\.yaml:\d+: network\.zones/ },
  { name: 'the name of another cluster', file: settings, from: 'name: production', to: 'name: staging', told: /^clusters\/production\/cluster\.yaml:\d+: name: must be the folder's name/ },
  { name: 'an unknown instance type', file: settings, from: 't3.medium', to: 't3.medum', told: /^clusters\/production\/cluster\.yaml:\d+: nodeGroup.*t3\.medum/ },
  { name: 'a VPC that cannot hold its subnets', file: settings, from: '10.2.0.0/16', to: '10.2.0.0/20', told: /^clusters\/production\/cluster\.yaml:\d+: network\.cidr/ },

  // What Argo CD is told
  { name: 'a values file that is not there', file: applications, from: '- /clusters/shared/fastify-service.yaml', to: '- /clusters/shared/fastify.yaml', told: /^clusters\/shared\/fastify\.yaml:1: the file: does not exist; argocd\/applications\/fastify-service\.yaml names it/ },
  { name: 'a values file that nobody names', file: applications, from: '            - /clusters/shared/fastify-service.yaml\n', to: '', told: /^clusters\/shared\/fastify-service\.yaml:1: the file: no Application reads it/ },
  { name: 'a fact that the cluster does not have', file: applications, from: '.metadata.annotations.imageRegistry', to: '.metadata.annotations.registry', told: /^argocd\/applications\/fastify-service\.yaml:\d+: .*registry/ },
  { name: 'a path that is not there', file: applications, from: 'path: charts/fastify-service', to: 'path: charts/fastify', told: /^argocd\/applications\/fastify-service\.yaml:\d+: .*charts\/fastify/ },
  { name: 'a folder that a push would not refresh', file: applications, from: '/charts/fastify-service;', to: '', told: /^argocd\/applications\/fastify-service\.yaml:1: .*must name charts\/fastify-service/ },
  { name: 'a project that is not there', file: applications, from: 'project: services', to: 'project: default', told: /^argocd\/applications\/fastify-service\.yaml:1: spec\.project: there is no AppProject default/ },
  { name: 'a field that an ApplicationSet does not have', file: applications, from: 'applicationsSync:', to: 'applicationSync:', told: /^argocd\/applications\/fastify-service\.yaml:\d+: .*applicationSync: is not a field/ },
  { name: 'a key twice in an ApplicationSet', file: applications, from: '  goTemplate: true', to: '  goTemplate: true\n  goTemplate: false', told: /^argocd\/applications\/fastify-service\.yaml:\d+: the file: .*unique/ },
  { name: 'a kind that the project does not allow', file: projects, from: '    - { group: networking.k8s.io, kind: NetworkPolicy }\n', to: '', told: /networkpolicy\.yaml:\d+: .*AppProject services does not allow networking\.k8s\.io\/NetworkPolicy/ },

  // The chart
  { name: 'a field of Kubernetes misspelt', file: `${chart}/templates/deployment.yaml`, from: 'readinessProbe:', to: 'readinessProb:', told: /^charts\/fastify-service\/templates\/deployment\.yaml:\d+: .*readinessProb: is not a field/ },
  { name: 'a number where Kubernetes wants text', file: `${chart}/templates/_helpers.tpl`, from: '{{ .Values.port | quote }}', to: '{{ .Values.port }}', told: /^charts\/fastify-service\/templates\/configmap\.yaml:\d+: .*data\.PORT: must be string/ },
  { name: 'a value that no values file has', file: `${chart}/templates/service.yaml`, from: 'type: ClusterIP', to: 'type: {{ .Values.service.type }}', told: /^charts\/fastify-service\/templates\/service\.yaml:\d+: the template: .*nil pointer/ },
  { name: 'a template that does not end', file: `${chart}/templates/service.yaml`, from: 'type: ClusterIP', to: 'type: {{ .Values.port', told: /^charts\/fastify-service\/templates\/service\.yaml:\d+: the template: / },
  { name: 'a port that the pod does not have', file: `${chart}/templates/service.yaml`, from: 'targetPort: http', to: 'targetPort: web', told: /^charts\/fastify-service\/templates\/service\.yaml:\d+: .*targetPort/ },
  { name: 'a selector that matches no pod', file: `${chart}/templates/poddisruptionbudget.yaml`, from: '{{- include "fastify-service.selector" . | nindent 6 }}', to: 'app: fastify-service', told: /^charts\/fastify-service\/templates\/poddisruptionbudget\.yaml:\d+: .*spec\.selector/ },
  { name: 'a selector that changes', file: `${chart}/templates/_helpers.tpl`, from: 'app.kubernetes.io/instance: {{ .Release.Name }}', to: 'app.kubernetes.io/instance: {{ .Release.Name }}\napp.kubernetes.io/part-of: platform', told: /^charts\/fastify-service\/templates\/deployment\.yaml:\d+: .*spec\.selector: must stay/ },
  { name: 'a password made while rendering', file: `${chart}/templates/_helpers.tpl`, from: 'NODE_ENV: "production"', to: 'NODE_ENV: {{ randAlphaNum 8 | quote }}', told: /^charts\/fastify-service\/templates\/configmap\.yaml:\d+: .*differs from one render to the next/ },
  { name: 'an object that depends on the cluster’s APIs', file: `${chart}/templates/networkpolicy.yaml`, from: 'apiVersion: networking.k8s.io/v1', to: '{{- if .Capabilities.APIVersions.Has "networking.k8s.io/v1/NetworkPolicy" }}\napiVersion: networking.k8s.io/v1', told: /^charts\/fastify-service\/templates\/networkpolicy\.yaml:\d+: / },
  { name: 'a pod that may become root', file: `${chart}/templates/deployment.yaml`, from: 'runAsNonRoot: true', to: 'runAsNonRoot: false', told: /^charts\/fastify-service\/templates\/deployment\.yaml:\d+: .*Pod Security: .*runAsNonRoot/ },
  { name: 'a key twice in a template', file: `${chart}/templates/service.yaml`, from: 'type: ClusterIP', to: 'type: ClusterIP\n  type: ClusterIP', told: /^charts\/fastify-service\/templates\/service\.yaml:\d+: .*unique/ },
  { name: 'an API that Kubernetes has no more', file: `${chart}/templates/horizontalpodautoscaler.yaml`, from: 'autoscaling/v2', to: 'autoscaling/v2beta2', told: /^charts\/fastify-service\/templates\/horizontalpodautoscaler\.yaml:\d+: .*Kubernetes 1\.36 has no such kind/ },

  // Upstream charts, and what they are given
  { name: 'a key of an upstream chart misspelt', file: metrics.shared, from: 'topologySpreadConstraints:', to: 'topologySpreadConstraint:', told: /^clusters\/shared\/metrics-server\.yaml:\d+: topologySpreadConstraint: is no value of this chart/ },
  { name: 'a key of Argo CD’s own chart misspelt', file: 'clusters/dev/argocd.yaml', from: 'domain:', to: 'domian:', told: /^clusters\/dev\/argocd\.yaml:\d+: global\.domian: is no value of this chart/ },
  { name: 'a part of Argo CD that asks for nothing', file: 'argocd/values.yaml', from: 'redis:\n  resources:', to: 'redis:\n  resource:', told: /^argocd\/values\.yaml:\d+: redis\.resource: is no value of this chart/ },
  { name: 'a part of Argo CD larger than any node', file: 'argocd/values.yaml', from: '      memory: 512Mi\n      ephemeral-storage: 64Mi\n    limits:\n      memory: 512Mi', to: '      memory: 4Gi\n      ephemeral-storage: 64Mi\n    limits:\n      memory: 4Gi', told: /^clusters\/dev\/cluster\.yaml:\d+: nodeGroup\.maxSize: .*StatefulSet\/argocd-application-controller without a place/ },
  { name: 'a key that another upstream chart has', file: metrics.staging, from: 'replicas: 2', to: 'replicaCount: 2', told: /^clusters\/staging\/metrics-server\.yaml:\d+: replicaCount: is no value of this chart/ },
  { name: 'a key below another, spelt as it should have been', file: balancers.shared, from: 'ingressValdationFailurePolicy', to: 'ingressValidationFailurePolicy', told: /^clusters\/shared\/aws-load-balancer-controller\.yaml:\d+: webhookConfig\.ingressValidationFailurePolicy: is no value/ },
  { name: 'a text for a section', file: balancers.shared, from: 'webhookConfig:\n', to: 'webhookConfig: off\nwebhookConfigBefore:\n', told: /^clusters\/shared\/aws-load-balancer-controller\.yaml:\d+: webhookConfig: .*(map|quotes)/ },
  { name: 'a key of Kubernetes misspelt, which an upstream chart passes on', file: balancers.shared, from: 'maxUnavailable: 1', to: 'maxUnavailble: 1', told: /^clusters\/shared\/aws-load-balancer-controller\.yaml:1: .*PodDisruptionBudget.*maxUnavailble: is not a field/ },
  { name: 'a number in quotes for an upstream chart', file: metrics.staging, from: 'replicas: 2', to: 'replicas: two', told: /^clusters\/shared\/metrics-server\.yaml:1: staging\/metrics-server Deployment\/metrics-server: spec\.replicas: must be integer/ },
  { name: 'a store of a service that AWS does not have', file: secrets.shared, from: 'service: SecretsManager', to: 'service: SecretManager', told: /^clusters\/shared\/external-secrets\.yaml:1: .*ClusterSecretStore\/aws-secrets-manager: spec\.provider\.aws\.service: must be one of/ },
  { name: 'a controller without its memory', file: secrets.shared, from: '    memory: 128Mi\n    ephemeral', to: '    ephemeral', told: /^clusters\/shared\/external-secrets\.yaml:1: .*resources\.requests\.memory: must be set/ },
  { name: 'a controller with all capabilities', file: balancers.shared, from: 'drop: [ALL]', to: 'drop: [NET_RAW]', told: /^clusters\/shared\/aws-load-balancer-controller\.yaml:1: .*Pod Security: .*capabilities/ },
  { name: 'more of a controller than the nodes hold', file: metrics.shared, from: 'cpu: 100m', to: 'cpu: 1800m', told: /^clusters\/dev\/cluster\.yaml:\d+: nodeGroup\.maxSize: .*Deployment\/metrics-server without a place/ },
  { name: 'a version of a chart that is not pinned', file: metrics.set, from: 'targetRevision: 3.13.1', to: 'targetRevision: 3.13.2', told: /^argocd\/applications\/metrics-server\.yaml:1: .*chart metrics-server 3\.13\.2 .* is not pinned: add it to CHART_PINS/ },
  { name: 'a Helm repository with a slip', file: secrets.set, from: 'https://charts.external-secrets.io', to: 'https://chart.external-secrets.io', told: /^argocd\/applications\/external-secrets\.yaml:1: .*is not pinned/ },
  { name: 'a Helm repository that the project does not allow', file: controllers, from: '    - https://charts.external-secrets.io\n', to: '', told: /^argocd\/applications\/external-secrets\.yaml:1: spec\.sources: AppProject controllers does not allow the repository https:\/\/charts\.external-secrets\.io/ },
  { name: 'a cluster-wide name that the project does not allow', file: controllers, from: 'name: aws-load-balancer-controller-role }', to: 'name: aws-load-balancer-role }', told: /AppProject controllers does not allow rbac\.authorization\.k8s\.io\/ClusterRole/ },
  { name: 'a namespace that the project does not allow', file: controllers, from: 'namespace: kube-system', to: 'namespace: kube-public', told: /RoleBinding\/metrics-server-auth-reader metadata\.namespace: AppProject controllers does not allow the namespace kube-system/ },
  { name: 'a certificate of each render, compared', file: balancers.set, from: '        - kind: Secret\n          name: aws-load-balancer-tls\n          jsonPointers: [/data]\n', to: '', told: /^clusters\/shared\/aws-load-balancer-controller\.yaml:1: .*Secret\/aws-load-balancer-tls data\S*: differs from one render to the next/ },
  { name: 'something left to the cluster that never differs', file: balancers.set, from: '        - kind: Secret\n', to: '        - kind: ServiceAccount\n          name: aws-load-balancer-controller\n          jsonPointers: [/automountServiceAccountToken]\n        - kind: Secret\n', told: /^argocd\/applications\/aws-load-balancer-controller\.yaml:1: ignoreDifferences: ServiceAccount\/aws-load-balancer-controller is the same in every render/ },
  { name: 'a values file of an upstream chart that is not there', file: metrics.set, from: '$values/clusters/shared/metrics-server.yaml', to: '$values/clusters/shared/metrics.yaml', told: /^clusters\/shared\/metrics\.yaml:1: the file: does not exist; argocd\/applications\/metrics-server\.yaml names it/ },
  { name: 'a reference to a source that has another name', file: metrics.set, from: 'ref: values', to: 'ref: value', told: /^argocd\/applications\/metrics-server\.yaml:1: .*values file \$values\/clusters\/shared\/metrics-server\.yaml: no source has `ref: values`/ },
  { name: 'a values file whose push would go unnoticed', file: metrics.set, from: '/clusters/shared/metrics-server.yaml;', to: '', told: /^argocd\/applications\/metrics-server\.yaml:1: .*must name clusters\/shared\/metrics-server\.yaml/ },
  { name: 'a fact that a controller needs and the cluster does not have', file: balancers.set, from: '.metadata.annotations.vpcId', to: '.metadata.annotations.vpc', told: /^argocd\/applications\/aws-load-balancer-controller\.yaml:1: .*vpc/ },
  { name: 'a store that a parameter does not meet', file: secrets.set, from: 'extraObjects[0]', to: 'extraObjects[1]', told: /^(argocd\/applications\/external-secrets\.yaml|clusters\/shared\/external-secrets\.yaml):1: / },
  { name: 'a controller switched off whose values stay', file: 'clusters/staging/cluster.yaml', from: 'name: staging\n', to: 'name: staging\ncontrollers: [metrics-server, external-secrets]\n', told: /^clusters\/staging\/aws-load-balancer-controller\.yaml:1: the file: no Application reads it/ },
];
