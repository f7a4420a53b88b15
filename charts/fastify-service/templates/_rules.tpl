{{- /*
Rules that compare values, which a schema cannot express. All broken rules are reported at once, one per line:
fastify-service: <value>: <rule, and the values seen>
*/}}
{{- define "fastify-service.rules" -}}
{{- $autoscaling := .Values.autoscaling }}
{{- $rollout := .Values.rollout }}
{{- $shutdown := .Values.shutdown }}
{{- $ingress := .Values.ingress }}
{{- $httpRoute := .Values.httpRoute }}
{{- $broken := list }}

{{- if eq .Values.image.tag "latest" }}
  {{- $broken = append $broken "image.tag: must name a version (tag latest)" }}
{{- end }}
{{- /* A preview's image is not written to Git: its tag is the commit, in a repository whose tags do not move. */}}
{{- if and (not .Values.image.digest) (not (regexMatch "^[0-9a-f]{40}$" .Values.image.tag)) }}
  {{- $broken = append $broken (printf "image.digest: must be set, unless image.tag is a commit (tag %s)" .Values.image.tag) }}
{{- end }}
{{- if eq $ingress.enabled $httpRoute.enabled }}
  {{- $broken = append $broken (printf "ingress.enabled: exactly one of ingress.enabled and httpRoute.enabled must be true (ingress.enabled %t, httpRoute.enabled %t)" $ingress.enabled $httpRoute.enabled) }}
{{- end }}
{{- if eq (int .Values.port) (int .Values.adminPort) }}
  {{- $broken = append $broken (printf "adminPort: must differ from port (port %d, adminPort %d)" (int .Values.port) (int .Values.adminPort)) }}
{{- end }}

{{- $min := int $autoscaling.minReplicas }}
{{- $max := int $autoscaling.maxReplicas }}
{{- if ge $min $max }}
  {{- $broken = append $broken (printf "autoscaling.maxReplicas: must be greater than autoscaling.minReplicas (maxReplicas %d, minReplicas %d)" $max $min) }}
{{- end }}
{{- $fewest := ternary (list "autoscaling.minReplicas" $min) (list "replicas" (int .Values.replicas)) $autoscaling.enabled }}
{{- if and .Values.podDisruptionBudget.enabled (lt (last $fewest) 2) }}
  {{- $broken = append $broken (printf "podDisruptionBudget.enabled: needs two pods or more, since a drain must evict a single one (%s %d)" (first $fewest) (last $fewest)) }}
{{- end }}

{{- $ready := int $rollout.minReadySeconds }}
{{- $startup := int $rollout.startupSeconds }}
{{- $deadline := int $rollout.progressDeadlineSeconds }}
{{- if ge $ready $deadline }}
  {{- $broken = append $broken (printf "rollout.minReadySeconds: must be less than rollout.progressDeadlineSeconds (minReadySeconds %d, progressDeadlineSeconds %d)" $ready $deadline) }}
{{- else if le $deadline (add $startup $ready | int) }}
  {{- $broken = append $broken (printf "rollout.progressDeadlineSeconds: must be greater than rollout.startupSeconds and rollout.minReadySeconds together (progressDeadlineSeconds %d, startupSeconds %d, minReadySeconds %d)" $deadline $startup $ready) }}
{{- end }}

{{- $check := int .Values.check.deadlineSeconds }}
{{- if and .Values.check.enabled (le $check $deadline) }}
  {{- $broken = append $broken (printf "check.deadlineSeconds: must be greater than rollout.progressDeadlineSeconds (deadlineSeconds %d, progressDeadlineSeconds %d)" $check $deadline) }}
{{- end }}

{{- $preStop := int $shutdown.preStopSeconds }}
{{- $drain := int $shutdown.drainSeconds }}
{{- /* A spot instance ends 120 s after its interruption notice; 10 s are for the notice to reach the pod. */}}
{{- if gt (include "fastify-service.graceSeconds" . | int) 110 }}
  {{- $broken = append $broken (printf "shutdown.preStopSeconds: together with shutdown.drainSeconds and 5 s must be 110 s at most, a spot instance's notice (preStopSeconds %d, drainSeconds %d)" $preStop $drain) }}
{{- end }}

{{- if $ingress.enabled }}
  {{- $deregistration := int $ingress.deregistrationSeconds }}
  {{- $least := include "fastify-service.endSeconds" . | int }}
  {{- $most := add $preStop $drain | int }}
  {{- if or (lt $deregistration $least) (gt $deregistration $most) }}
    {{- $broken = append $broken (printf "ingress.deregistrationSeconds: must lie between %d, what the service takes to end (drainSeconds and 5 s), and %d, when it closes its port (preStopSeconds and drainSeconds) (deregistrationSeconds %d, preStopSeconds %d, drainSeconds %d)" $least $most $deregistration $preStop $drain) }}
  {{- end }}
  {{- /* service/src/timings.ts, `keepAlive`. */}}
  {{- if ge (int $ingress.idleTimeoutSeconds) 72 }}
    {{- $broken = append $broken (printf "ingress.idleTimeoutSeconds: must be less than the 72 s that the service keeps a connection (idleTimeoutSeconds %d)" (int $ingress.idleTimeoutSeconds)) }}
  {{- end }}
  {{- if and $ingress.certificateArn (not $ingress.https) }}
    {{- $broken = append $broken (printf "ingress.certificateArn: has no effect without ingress.https (certificateArn %s)" $ingress.certificateArn) }}
  {{- end }}
{{- else }}
  {{- range list "certificateArn" "groupName" "deletionProtection" "accessLogsBucket" "wafAclArn" "inboundCidrs" }}
    {{- if get $ingress . }}
      {{- $broken = append $broken (printf "ingress.%s: has no effect without ingress.enabled (%s %v)" . . (get $ingress .)) }}
    {{- end }}
  {{- end }}
{{- end }}

{{- if has .Values.host .Values.additionalHosts }}
  {{- $broken = append $broken (printf "additionalHosts: must not repeat host (%s)" .Values.host) }}
{{- end }}

{{- /* A key twice in a ConfigMap: the last one would win. */}}
{{- $ownSettings := dict "ADMIN_PORT" "adminPort" "DRAIN_SECONDS" "shutdown.drainSeconds" "FAULTS" "faults" "HOST" "" "LOG_LEVEL" "logLevel" "NODE_ENV" "" "PORT" "port" "UV_THREADPOOL_SIZE" "" }}
{{- range $name, $value := .Values.environment }}
  {{- if hasKey $ownSettings $name }}
    {{- $own := get $ownSettings $name }}
    {{- $broken = append $broken (printf "environment.%s: must not be set here: %s sets it (%v)" $name ($own | default "the chart") $value) }}
  {{- end }}
{{- end }}

{{- range $index, $cidr := .Values.networkPolicy.loadBalancerCidrs }}
  {{- if lt (splitList "/" $cidr | last | int) 8 }}
    {{- $broken = append $broken (printf "networkPolicy.loadBalancerCidrs.%d: must be the networks of load balancers, a /8 at most (%s)" $index $cidr) }}
  {{- end }}
{{- end }}
{{- $networks := dict }}
{{- range $index, $cidr := $ingress.inboundCidrs }}{{ $_ := set $networks (printf "ingress.inboundCidrs.%d" $index) $cidr }}{{ end }}
{{- range $index, $cidr := .Values.networkPolicy.loadBalancerCidrs }}{{ $_ := set $networks (printf "networkPolicy.loadBalancerCidrs.%d" $index) $cidr }}{{ end }}
{{- range $index, $cidr := .Values.networkPolicy.dnsCidrs }}{{ $_ := set $networks (printf "networkPolicy.dnsCidrs.%d" $index) $cidr }}{{ end }}
{{- range $name, $target := .Values.networkPolicy.egress }}
  {{- range $index, $cidr := $target.cidrs }}{{ $_ := set $networks (printf "networkPolicy.egress.%s.cidrs.%d" $name $index) $cidr }}{{ end }}
{{- end }}
{{- range $key, $cidr := $networks }}
  {{- if (include "fastify-service.network" $cidr | fromJson).hasHostBits }}
    {{- $broken = append $broken (printf "%s: must begin with the first address of the network, as Kubernetes and AWS require (%s)" $key $cidr) }}
  {{- else if eq $cidr "169.254.169.254/32" }}
    {{- $broken = append $broken (printf "%s: must not be the instance metadata service, which gives out the credentials of the node (%s)" $key $cidr) }}
  {{- end }}
{{- end }}

{{- with $broken }}
  {{- fail (printf "%s: %s" $.Chart.Name (join (printf "\n%s: " $.Chart.Name) .)) }}
{{- end }}
{{- end }}
