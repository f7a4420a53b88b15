{{- define "fastify-service.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* Without the chart's version, which would change every object with each change of the chart. */}}
{{- define "fastify-service.labels" -}}
{{ include "fastify-service.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "fastify-service.environment" -}}
NODE_ENV: "production"
HOST: "0.0.0.0"
PORT: {{ .Values.port | quote }}
ADMIN_PORT: {{ .Values.adminPort | quote }}
LOG_LEVEL: {{ .Values.logLevel | quote }}
{{- if .Values.faults }}
FAULTS: "on"
{{- end }}
DRAIN_SECONDS: {{ .Values.shutdown.drainSeconds | quote }}
{{- /* The default of libuv, set explicitly: the service works in one thread, and more would only cost memory. */}}
UV_THREADPOOL_SIZE: "4"
{{- range $name, $value := .Values.environment }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end }}

{{- /*
How long the process takes to end after SIGTERM: the drain, then 3 s for requests that still run (service/src/timings.ts,
`close`), then 2 s to flush its log and exit.
*/}}
{{- define "fastify-service.endSeconds" -}}
{{ add .Values.shutdown.drainSeconds 5 }}
{{- end }}

{{- /* The kubelet's clock starts before the preStop pause. */}}
{{- define "fastify-service.graceSeconds" -}}
{{ add .Values.shutdown.preStopSeconds (include "fastify-service.endSeconds" .) }}
{{- end }}

{{- define "fastify-service.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- /* Labels of the check after a release. Not those of the service, whose Service and NetworkPolicy must not select it. */}}
{{- define "fastify-service.checkLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}-check
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* What decides whether the service answers through its Service. */}}
{{- define "fastify-service.released" -}}
{{- range list "deployment" "service" "networkpolicy" }}
{{- include (printf "%s/%s.yaml" $.Template.BasePath .) $ }}
{{- end }}
{{- end }}
