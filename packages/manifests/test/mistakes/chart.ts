import type { Mistake } from './slip.ts';
import { after, at, before, inFile, remove, replace } from './slip.ts';

const template = (name: string): string => `charts/fastify-service/templates/${name}`;

export const CHART: readonly Mistake[] = [
  // The chart
  inFile(template('deployment.yaml'), {
    'a field of Kubernetes misspelt': replace('readinessProbe:', 'readinessProb:').reports(
      /.*readinessProb: unknown field/,
    ),
    'a pod that may become root': replace('runAsNonRoot: true', 'runAsNonRoot: false').reports(
      /.*Pod Security: .*runAsNonRoot/,
    ),
  }),
  inFile(template('_helpers.tpl'), {
    'a number where Kubernetes wants text': replace('{{ .Values.port | quote }}', '{{ .Values.port }}').reportsAs(
      at(template('configmap.yaml'), /.*data\.PORT: must be string/),
    ),
    'a selector that changes': after(
      'app.kubernetes.io/instance: {{ .Release.Name }}',
      'app.kubernetes.io/part-of: platform',
    ).reportsAs(at(template('deployment.yaml'), /.*spec\.selector: must stay/)),
    'a password made while rendering': replace(
      'NODE_ENV: "production"',
      'NODE_ENV: {{ randAlphaNum 8 | quote }}',
    ).reportsAs(at(template('configmap.yaml'), /.*differs from one render to the next/)),
  }),
  inFile(template('service.yaml'), {
    'a value that no values file has': replace('type: ClusterIP', 'type: {{ .Values.service.type }}').reports(
      /the template: .*nil pointer/,
    ),
    'a template that does not end': replace('type: ClusterIP', 'type: {{ .Values.port').reports(/the template: /),
    'a port that the pod does not have': replace('targetPort: http', 'targetPort: web').reports(/.*targetPort/),
    'a key twice in a template': after('type: ClusterIP', '  type: ClusterIP').reports(/.*unique/),
  }),
  inFile(template('check.yaml'), {
    'a check whose pods are those of the Service': replace(
      '        {{- include "fastify-service.checkLabels" . | nindent 8 }}',
      '        {{- include "fastify-service.selector" . | nindent 8 }}',
    ).reportsAs(/must let Job\/fastify-service-check reach/),
    'a check without limits': remove('              memory: 96Mi\n').reports(/.*requests\.memory: must be set/),
  }),
  inFile(template('check-networkpolicy.yaml'), {
    'a check that does not reach the service': replace('{{ .Values.adminPort }}', '{{ .Values.port }}').reports(
      /.*must let Job\/fastify-service-check reach Deployment\/fastify-service/,
    ),
  }),
  inFile(template('poddisruptionbudget.yaml'), {
    'a selector that matches no pod': replace(
      '{{- include "fastify-service.selector" . | nindent 6 }}',
      'app: fastify-service',
    ).reports(/.*spec\.selector/),
  }),
  inFile(template('networkpolicy.yaml'), {
    'a way out that no value names': before(
      '    {{- range .Values.networkPolicy.egress }}',
      '    - {to: [{ipBlock: {cidr: 203.0.113.0/24}}], ports: [{protocol: TCP, port: 443}]}',
    ).reportsAs(/networkpolicy\.yaml:\d+: \S+\/fastify-service NetworkPolicy\/fastify-service .*egress/),
    'an object that depends on the cluster’s APIs': before(
      'apiVersion: networking.k8s.io/v1',
      '{{- if .Capabilities.APIVersions.Has "networking.k8s.io/v1/NetworkPolicy" }}',
    ).reports(),
  }),
  inFile(template('horizontalpodautoscaler.yaml'), {
    'an API that Kubernetes has no more': replace('autoscaling/v2', 'autoscaling/v2beta2').reports(
      /.*unknown kind in Kubernetes 1\.36/,
    ),
  }),
].flat();
