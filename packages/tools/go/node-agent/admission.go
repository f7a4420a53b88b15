package main

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/kubelet/lifecycle"
)

// admission refuses pods that need what a process of this machine cannot have; the kubelet fails them with the reason
// and the message, and reports both as an event.
type admission struct{}

func (admission) Admit(attributes *lifecycle.PodAdmitAttributes) lifecycle.PodAdmitResult {
	unsupported := unsupportedFeatures(&attributes.Pod.Spec)
	if len(unsupported) == 0 {
		return lifecycle.PodAdmitResult{Admit: true}
	}
	return lifecycle.PodAdmitResult{
		Reason:  lifecycle.PodFeatureUnsupported,
		Message: "this node runs pods as processes and does not support " + strings.Join(unsupported, ", "),
	}
}

// unsupportedFeatures names the fields of a pod that no process of this machine can honour.
func unsupportedFeatures(pod *v1.PodSpec) []string {
	var found []string
	add := func(is bool, format string, values ...any) {
		if is {
			found = append(found, fmt.Sprintf(format, values...))
		}
	}
	add(pod.HostNetwork, "spec.hostNetwork")
	add(pod.HostPID, "spec.hostPID")
	add(pod.HostIPC, "spec.hostIPC")
	add(pod.HostUsers != nil && !*pod.HostUsers, "spec.hostUsers: false")
	add(pod.ShareProcessNamespace != nil && *pod.ShareProcessNamespace, "spec.shareProcessNamespace")
	add(pod.RuntimeClassName != nil, "spec.runtimeClassName")
	add(pod.SecurityContext != nil && len(pod.SecurityContext.Sysctls) > 0, "spec.securityContext.sysctls")
	for _, volume := range pod.Volumes {
		source := volume.VolumeSource
		isSupported := source.EmptyDir != nil || source.ConfigMap != nil || source.Secret != nil ||
			source.Projected != nil || source.DownwardAPI != nil
		add(!isSupported, "volume %s, which is none of emptyDir, configMap, secret, projected and downwardAPI", volume.Name)
	}
	for _, container := range append(slices.Clone(pod.InitContainers), pod.Containers...) {
		for _, port := range container.Ports {
			add(port.HostPort != 0, "hostPort %d of container %s", port.HostPort, container.Name)
		}
		add(len(container.VolumeDevices) > 0, "volumeDevices of container %s", container.Name)
		add(container.Stdin || container.TTY, "stdin and tty of container %s", container.Name)
		context := container.SecurityContext
		add(context != nil && context.Privileged != nil && *context.Privileged, "privileged container %s", container.Name)
	}
	return found
}
