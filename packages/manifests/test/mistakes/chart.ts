import type { Mistake } from './slip.ts';
import { after, at, before, inFile, replace } from './slip.ts';

const template = (name: string): string => `charts/fastify-service/templates/${name}`;

export const CHART: readonly Mistake[] = [
  // The chart
  inFile(template('deployment.yaml'), {
    'a field of Kubernetes misspelt': replace('readinessProbe:', 'readinessProb:').told(
      /.*readinessProb: is not a field/,
    ),
    'a pod that may become root': replace('runAsNonRoot: true', 'runAsNonRoot: false').told(
      /.*Pod Security: .*runAsNonRoot/,
    ),
  }),
  inFile(template('_helpers.tpl'), {
    'a number where Kubernetes wants text': replace('{{ .Values.port | quote }}', '{{ .Values.port }}').toldAs(
      at(template('configmap.yaml'), /.*data\.PORT: must be string/),
    ),
    'a selector that changes': after(
      'app.kubernetes.io/instance: {{ .Release.Name }}',
      'app.kubernetes.io/part-of: platform',
    ).toldAs(at(template('deployment.yaml'), /.*spec\.selector: must stay/)),
    'a password made while rendering': replace(
      'NODE_ENV: "production"',
      'NODE_ENV: {{ randAlphaNum 8 | quote }}',
    ).toldAs(at(template('configmap.yaml'), /.*differs from one render to the next/)),
  }),
  inFile(template('service.yaml'), {
    'a value that no values file has': replace('type: ClusterIP', 'type: {{ .Values.service.type }}').told(
      /the template: .*nil pointer/,
    ),
    'a template that does not end': replace('type: ClusterIP', 'type: {{ .Values.port').told(/the template: /),
    'a port that the pod does not have': replace('targetPort: http', 'targetPort: web').told(/.*targetPort/),
    'a key twice in a template': after('type: ClusterIP', '  type: ClusterIP').told(/.*unique/),
  }),
  inFile(template('poddisruptionbudget.yaml'), {
    'a selector that matches no pod': replace(
      '{{- include "fastify-service.selector" . | nindent 6 }}',
      'app: fastify-service',
    ).told(/.*spec\.selector/),
  }),
  inFile(template('networkpolicy.yaml'), {
    'an object that depends on the cluster’s APIs': before(
      'apiVersion: networking.k8s.io/v1',
      '{{- if .Capabilities.APIVersions.Has "networking.k8s.io/v1/NetworkPolicy" }}',
    ).told(),
  }),
  inFile(template('horizontalpodautoscaler.yaml'), {
    'an API that Kubernetes has no more': replace('autoscaling/v2', 'autoscaling/v2beta2').told(
      /.*Kubernetes 1\.36 has no such kind/,
    ),
  }),
].flat();
