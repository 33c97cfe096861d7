{{- define "montage.labels" -}}
app.kubernetes.io/name: montage
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "montage.pod" -}}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: data
    emptyDir: {}
  - name: tmp
    emptyDir: {}
  - name: keys
    secret: { secretName: {{ required "keySecret names the secret with the key file" .Values.keySecret | quote }}, defaultMode: 0400 }
{{- end }}

{{- define "montage.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
envFrom:
  - secretRef: { name: {{ .Values.settingsSecret | quote }} }
env:
  - { name: MONTAGE_DATA, value: /data }
  - { name: MONTAGE_KEY_FILE, value: /keys/keys }
  {{- range $name, $value := .Values.settings }}
  - { name: {{ $name }}, value: {{ $value | quote }} }
  {{- end }}
volumeMounts:
  - { name: data, mountPath: /data }
  - { name: tmp, mountPath: /tmp }
  - { name: keys, mountPath: /keys, readOnly: true }
{{- end }}
