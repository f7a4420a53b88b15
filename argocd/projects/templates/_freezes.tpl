{{- /*
The freezes of the cluster, as sync windows of a project. In one, Argo CD syncs nothing by itself, neither commits nor drift; what a
person syncs or rolls back passes, and a sync that runs when it begins is not cut off.
*/}}
{{- define "projects.freezes" }}
{{- with .Values.freezes }}
syncWindows:
  {{- range . }}
  - kind: deny
    schedule: {{ .schedule | quote }}
    duration: {{ .duration | quote }}
    timeZone: {{ .timeZone | quote }}
    applications: ["*"]
    manualSync: true
    syncOverrun: true
    description: {{ printf "%s: %s" .name .reason | quote }}
  {{- end }}
{{- end }}
{{- end }}
