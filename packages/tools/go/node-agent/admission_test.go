package main

import (
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/kubelet/lifecycle"
)

func admit(spec v1.PodSpec) lifecycle.PodAdmitResult {
	return admission{}.Admit(&lifecycle.PodAdmitAttributes{Pod: &v1.Pod{Spec: spec}})
}

func TestPodsThatAProcessCanHonourAreAdmitted(t *testing.T) {
	spec := v1.PodSpec{
		InitContainers: []v1.Container{{Name: "first"}},
		Containers:     []v1.Container{{Name: "main", Ports: []v1.ContainerPort{{ContainerPort: 8080}}}},
		Volumes: []v1.Volume{
			{Name: "a", VolumeSource: v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{}}},
			{Name: "b", VolumeSource: v1.VolumeSource{ConfigMap: &v1.ConfigMapVolumeSource{}}},
			{Name: "c", VolumeSource: v1.VolumeSource{Secret: &v1.SecretVolumeSource{}}},
			{Name: "d", VolumeSource: v1.VolumeSource{Projected: &v1.ProjectedVolumeSource{}}},
			{Name: "e", VolumeSource: v1.VolumeSource{DownwardAPI: &v1.DownwardAPIVolumeSource{}}},
		},
	}
	if result := admit(spec); !result.Admit {
		t.Error(result.Message)
	}
}

func TestEverythingThatAPodLacksIsNamed(t *testing.T) {
	yes, no := true, false
	runtimeClass := "gvisor"
	result := admit(v1.PodSpec{
		HostNetwork: true, HostPID: true, HostIPC: true, HostUsers: &no, ShareProcessNamespace: &yes,
		RuntimeClassName: &runtimeClass,
		SecurityContext:  &v1.PodSecurityContext{Sysctls: []v1.Sysctl{{}}},
		InitContainers:   []v1.Container{{Name: "first", Stdin: true}},
		Volumes:          []v1.Volume{{Name: "host", VolumeSource: v1.VolumeSource{HostPath: &v1.HostPathVolumeSource{}}}},
		Containers: []v1.Container{{
			Name: "main", Ports: []v1.ContainerPort{{HostPort: 80}}, TTY: true,
			VolumeDevices: []v1.VolumeDevice{{}}, SecurityContext: &v1.SecurityContext{Privileged: &yes},
		}},
	})
	if result.Admit || result.Reason != lifecycle.PodFeatureUnsupported {
		t.Fatalf("%+v", result)
	}
	for _, name := range []string{
		"stdin and tty of container first", "hostNetwork", "hostPID", "hostIPC", "hostUsers", "shareProcessNamespace", "runtimeClassName",
		"sysctls", "volume host", "hostPort 80 of container main", "volumeDevices", "tty of container main", "privileged",
	} {
		if !strings.Contains(result.Message, name) {
			t.Errorf("%s is not named: %s", name, result.Message)
		}
	}
}
