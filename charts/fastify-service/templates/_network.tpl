{{- define "fastify-service.address" -}}
{{- $octets := splitList "." . -}}
{{- add (mul (index $octets 0) 16777216) (mul (index $octets 1) 65536) (mul (index $octets 2) 256) (index $octets 3) -}}
{{- end }}

{{- /* The properties of a CIDR such as 10.0.0.0/16, as JSON. */}}
{{- define "fastify-service.network" -}}
{{- $parts := splitList "/" . -}}
{{- $size := 1 -}}
{{- range until (sub 32 (index $parts 1) | int) -}}
{{- $size = mul $size 2 -}}
{{- end -}}
{{- $address := include "fastify-service.address" (index $parts 0) -}}
{{- $metadata := include "fastify-service.address" "169.254.169.254" -}}
{{- dict "hasHostBits" (ne (mod $address $size) 0) "holdsMetadata" (eq (div $address $size) (div $metadata $size)) | toJson -}}
{{- end }}

{{- /* A peer of a NetworkPolicy. The instance metadata service, which gives out the credentials of the node, is never part of it. */}}
{{- define "fastify-service.ipBlock" -}}
ipBlock:
  cidr: {{ . }}
  {{- if (include "fastify-service.network" . | fromJson).holdsMetadata }}
  except: [169.254.169.254/32]
  {{- end }}
{{- end }}

{{- /* An egress rule of a NetworkPolicy. */}}
{{- define "fastify-service.dns" -}}
to:
  - namespaceSelector:
      matchLabels:
        kubernetes.io/metadata.name: kube-system
    podSelector:
      matchLabels:
        k8s-app: kube-dns
  {{- range .Values.networkPolicy.dnsCidrs }}
  - {{ include "fastify-service.ipBlock" . | nindent 4 | trim }}
  {{- end }}
ports:
  - protocol: UDP
    port: 53
  - protocol: TCP
    port: 53
{{- end }}
