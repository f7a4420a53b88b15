import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

// What tests and drills deploy in place of an upstream chart, so that how charts of a Helm repository are rendered and
// checked is proven without a network: default values, a definition in crds/, an object of that kind, a workload.

/** The name of the chart, and of all that it renders. */
export const SAMPLE_CHART = 'sample';

const files = (version: string): Readonly<Record<string, string>> => ({
  'Chart.yaml': `apiVersion: v2
name: ${SAMPLE_CHART}
version: ${version}
description: A workload and a custom resource
`,
  'values.yaml': `replicas: 1
image: registry.example.com/sample:1.0.0
resources:
  requests:
    cpu: 10m
    memory: 32Mi
    ephemeral-storage: 16Mi
  limits:
    memory: 32Mi
    ephemeral-storage: 16Mi
greeting:
  text: hello
  repeat: 1
`,
  'crds/greetings.yaml': `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: greetings.sample.example.com
spec:
  group: sample.example.com
  scope: Namespaced
  names: { kind: Greeting, listKind: GreetingList, plural: greetings, singular: greeting }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [text]
              properties:
                text: { type: string }
                repeat: { type: integer, minimum: 1 }
`,
  'templates/greeting.yaml': `apiVersion: sample.example.com/v1
kind: Greeting
metadata:
  name: ${SAMPLE_CHART}
spec: {{- toYaml .Values.greeting | nindent 2 }}
`,
  'templates/serviceaccount.yaml': `apiVersion: v1
kind: ServiceAccount
metadata:
  name: ${SAMPLE_CHART}
`,
  'templates/deployment.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${SAMPLE_CHART}
  labels: { app.kubernetes.io/name: ${SAMPLE_CHART} }
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: { app.kubernetes.io/name: ${SAMPLE_CHART} }
  template:
    metadata:
      labels: { app.kubernetes.io/name: ${SAMPLE_CHART} }
    spec:
      serviceAccountName: ${SAMPLE_CHART}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        seccompProfile: { type: RuntimeDefault }
      containers:
        - name: ${SAMPLE_CHART}
          image: {{ .Values.image }}
          ports: [{ name: http, containerPort: 8080 }]
          livenessProbe: { httpGet: { path: /live, port: http } }
          readinessProbe: { httpGet: { path: /ready, port: http } }
          resources: {{- toYaml .Values.resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
`,
});

/**
 * Writes the chart.
 * @param folder becomes the chart's; below it may be other files already
 */
export function writeSampleChart(folder: string, version = '1.0.0'): string {
  for (const [file, text] of Object.entries(files(version))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}
