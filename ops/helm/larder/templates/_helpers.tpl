{{- define "larder.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{- /* What never changes in the life of a release, so that selectors may have it. Context: root and part. */ -}}
{{- define "larder.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "larder.labels" -}}
{{ include "larder.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "larder.image" -}}
{{ .root.Values.images.prefix }}{{ .part }}:{{ .root.Values.images.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "larder.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "larder.name" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end -}}
{{- end }}

{{- /* The address of Redis where no password is in it; empty where the Secret has it. */ -}}
{{- define "larder.redis" -}}
{{- if .Values.redis.url }}{{ .Values.redis.url }}{{ else if .Values.redis.bundled.enabled }}redis://{{ include "larder.name" . }}-redis:6379/0{{ end -}}
{{- end }}

{{- define "larder.artifacts" -}}
{{- with .Values.artifacts.url }}{{ . }}{{ if contains "?" . }}&{{ else }}?{{ end }}cache=/var/lib/larder/copies{{ else }}file:///var/lib/larder/artifacts{{ end -}}
{{- end }}

{{- /* Refuses what would come up and not work, before anything is changed. */ -}}
{{- define "larder.check" -}}
{{- $services := .Files.Get "files/services.json" | fromJson }}
{{- $settings := dict }}
{{- $secrets := dict }}
{{- range $part := list "api" "trainer" "worker" }}
{{- range (get $services $part).settings }}{{ $_ := set $settings . true }}{{ end }}
{{- range (get $services $part).secrets }}{{ $_ := set $secrets . true }}{{ end }}
{{- end }}
{{- range $name, $_ := .Values.settings }}
{{- if eq $name "LARDER_REDIS_URL" }}{{ fail "settings.LARDER_REDIS_URL: say it as redis.url, or as a key of the Secret that secretName names" }}{{ end }}
{{- if eq $name "LARDER_ARTIFACTS" }}{{ fail "settings.LARDER_ARTIFACTS: say it as artifacts.url, or as artifacts.claim" }}{{ end }}
{{- if not (hasKey $settings $name) }}
{{- if hasKey $secrets $name }}{{ fail (printf "settings.%s is a secret: put it into a Secret, under this name, and name that as secretName" $name) }}{{ end }}
{{- fail (printf "settings.%s: no service has such a setting; docs/settings.md lists them" $name) }}
{{- end }}
{{- end }}
{{- if and .Values.redis.url .Values.redis.bundled.enabled }}{{ fail "redis.url and redis.bundled.enabled exclude each other: name a Redis, or let the chart start one" }}{{ end }}
{{- if not (or .Values.redis.url .Values.redis.bundled.enabled .Values.secretName) }}
{{- fail "no Redis is named: set redis.url, or secretName (of a Secret with the key LARDER_REDIS_URL), or redis.bundled.enabled for a trial" }}
{{- end }}
{{- if and .Values.artifacts.url .Values.artifacts.claim.existing }}{{ fail "artifacts.url and artifacts.claim.existing exclude each other" }}{{ end }}
{{- end }}

{{- /* The environment of a service: its settings, its secrets, addresses. Context: root and part. */ -}}
{{- define "larder.env" -}}
{{- $known := get (.root.Files.Get "files/services.json" | fromJson) .part }}
{{- $values := .root.Values }}
{{- $redis := include "larder.redis" .root }}
{{- range $name := $known.settings }}
{{- if hasKey $values.settings $name }}
- name: {{ $name }}
  {{- $value := get $values.settings $name }}
  value: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}
{{- end }}
{{- end }}
{{- if $redis }}
- name: LARDER_REDIS_URL
  value: {{ $redis | quote }}
{{- end }}
{{- if ne .part "api" }}
- name: LARDER_ARTIFACTS
  value: {{ include "larder.artifacts" .root | quote }}
{{- end }}
{{- if $values.secretName }}
{{- range $name := $known.secrets }}
{{- if not (or (hasKey $values.settings $name) (and $redis (eq $name "LARDER_REDIS_URL"))) }}
- name: {{ $name }}
  valueFrom: { secretKeyRef: { name: {{ $values.secretName }}, key: {{ $name }}, optional: {{ ne $name "LARDER_REDIS_URL" }} } }
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "larder.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- /* What all pods have in common. Context: root, part, and `of`, the part's values. */ -}}
{{- define "larder.pod" -}}
serviceAccountName: {{ include "larder.serviceAccount" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with .root.Values.images.pullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- with .of.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .of.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- if .of.affinity }}
affinity: {{ toJson .of.affinity }}
{{- else if ne .part "trainer" }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels: {{- include "larder.selector" . | nindent 14 }}
{{- end }}
{{- end }}

{{- /* Where artifacts are, as a volume: the claim, or room for copies. */ -}}
{{- define "larder.artifactsVolume" -}}
{{- if .Values.artifacts.url }}
- name: copies
  emptyDir: { sizeLimit: {{ .Values.artifacts.copies }} }
{{- else }}
- name: artifacts
  persistentVolumeClaim: { claimName: {{ .Values.artifacts.claim.existing | default (printf "%s-artifacts" (include "larder.name" .)) }} }
{{- end }}
{{- end }}
