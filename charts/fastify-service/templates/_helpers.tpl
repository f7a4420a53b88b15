{{- define "fastify-service.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* The version is the tag, and stands on objects only: in a pod template it would restart pods without a change of image. */ -}}
{{- define "fastify-service.labels" -}}
{{ include "fastify-service.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | trunc 63 | trimSuffix "-" | trimSuffix "." | trimSuffix "_" | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "fastify-service.environment" -}}
NODE_ENV: production
HOST: 0.0.0.0
PORT: {{ .Values.port | quote }}
LOG_LEVEL: {{ .Values.logLevel | quote }}
DRAIN_SECONDS: {{ .Values.shutdown.drainSeconds | quote }}
{{- end }}
