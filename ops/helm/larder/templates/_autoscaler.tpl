{{- /* By processor time. Context: root, part, and `of`, the part's values. */ -}}
{{- define "larder.autoscaler" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "larder.name" .root }}-{{ .part }}
  labels: {{- include "larder.labels" . | nindent 4 }}
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: {{ include "larder.name" .root }}-{{ .part }} }
  minReplicas: {{ .of.autoscaling.min }}
  maxReplicas: {{ .of.autoscaling.max }}
  metrics:
    - type: Resource
      resource: { name: cpu, target: { type: Utilization, averageUtilization: {{ .of.autoscaling.cpuPercent }} } }
{{- end }}
