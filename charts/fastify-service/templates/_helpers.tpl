{{- define "fastify-service.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "fastify-service.labels" -}}
{{ include "fastify-service.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "fastify-service.environment" -}}
NODE_ENV: production
HOST: 0.0.0.0
PORT: {{ .Values.port | quote }}
ADMIN_PORT: {{ .Values.adminPort | quote }}
LOG_LEVEL: {{ .Values.logLevel | quote }}
DRAIN_SECONDS: {{ .Values.shutdown.drainSeconds | quote }}
{{- end }}
