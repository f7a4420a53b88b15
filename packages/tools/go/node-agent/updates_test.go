package main

import (
	"slices"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	kubetypes "k8s.io/kubernetes/pkg/kubelet/types"
)

func TestPodsWithANewStatusAreRelisted(t *testing.T) {
	pod := func(uid types.UID, container string) *v1.Pod {
		return &v1.Pod{
			ObjectMeta: metav1.ObjectMeta{UID: uid},
			Status:     v1.PodStatus{ContainerStatuses: []v1.ContainerStatus{{ContainerID: container}}},
		}
	}
	sent := []kubetypes.PodUpdate{
		{Op: kubetypes.ADD, Pods: []*v1.Pod{pod("added", "process://1")}},
		{Op: kubetypes.RECONCILE, Pods: []*v1.Pod{pod("waiting", ""), pod("running", "process://2")}},
		{Op: kubetypes.UPDATE, Pods: []*v1.Pod{pod("labelled", "process://3")}},
	}
	updates := make(chan kubetypes.PodUpdate, len(sent))
	for _, update := range sent {
		updates <- update
	}
	close(updates)

	relisted := make(chan types.UID, len(sent))
	var forwarded []kubetypes.PodOperation
	for update := range relistOnStatus(updates, func(uid types.UID) { relisted <- uid }) {
		forwarded = append(forwarded, update.Op)
	}
	close(relisted)
	if want := []kubetypes.PodOperation{kubetypes.ADD, kubetypes.RECONCILE, kubetypes.UPDATE}; !slices.Equal(forwarded, want) {
		t.Errorf("forwarded: %v, want %v", forwarded, want)
	}
	var uids []types.UID
	for uid := range relisted {
		uids = append(uids, uid)
	}
	if want := []types.UID{"running"}; !slices.Equal(uids, want) {
		t.Errorf("relisted: %v, want %v", uids, want)
	}
}
