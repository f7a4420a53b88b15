package main

import (
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	kubetypes "k8s.io/kubernetes/pkg/kubelet/types"
)

// relistOnStatus passes updates on to the kubelet, and has it relist the containers of each pod whose status is new. After
// each sync a pod's worker waits for a newer relist. The kubelet requests one only after a sync that started something;
// otherwise the worker waits for the relist of all pods, once a second. The start of a pod has three such syncs: for its
// startup probe, its readiness probe and its readiness gates. Its status changes with each of them.
func relistOnStatus(updates <-chan kubetypes.PodUpdate, relist func(types.UID)) <-chan kubetypes.PodUpdate {
	forwarded := make(chan kubetypes.PodUpdate)
	go func() {
		defer close(forwarded)
		for update := range updates {
			forwarded <- update
			if update.Op != kubetypes.RECONCILE {
				continue
			}
			for _, pod := range update.Pods {
				if hasContainer(pod) {
					relist(pod.UID)
				}
			}
		}
	}()
	return forwarded
}

// hasContainer says whether the runtime knows the pod; the relist of another is an error.
func hasContainer(pod *v1.Pod) bool {
	return slices.ContainsFunc(pod.Status.ContainerStatuses, func(status v1.ContainerStatus) bool {
		return status.ContainerID != ""
	})
}
