{{- define "monitoring.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- /*
The objectives of this cluster, as packages/settings/src/slo.ts resolves them: those of all clusters, with what differs
in this one.
*/}}
{{- define "monitoring.slo" -}}
{{- $own := get .Values.clusters .Values.cluster | default dict -}}
availability: {{ $own.availability | default .Values.availability }}
latency:
  milliseconds: {{ .Values.latency.milliseconds }}
  percent: {{ ($own.latency | default dict).percent | default .Values.latency.percent }}
{{- end }}

{{- /* The share of requests that may fail, for an objective in percent: 0.001 for 99.9. Sprig computes in decimals. */}}
{{- define "monitoring.budget" -}}
{{ divf (subf 100 .) 100 }}
{{- end }}

{{- /* The annotations of an alert, with the link to its section of the runbook. */}}
{{- define "monitoring.rule" -}}
{{- $rule := .rule -}}
{{- if hasKey $rule "alert" -}}
{{- $link := dict "runbook_url" (printf "%s#%s" .runbooks (lower $rule.alert)) -}}
{{- $rule = merge (dict "annotations" (merge $link ($rule.annotations | default dict))) $rule -}}
{{- end -}}
{{ toYaml (list $rule) }}
{{- end }}
