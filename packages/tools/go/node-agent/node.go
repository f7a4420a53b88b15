package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

const (
	// The key of the taint of these nodes; the admission policy of the local cluster lets pods tolerate it.
	processTaint = "gitops.local/process"
	// Where an address of spec.podCIDR really is: at the same place of this network.
	loopbackAnnotation = "gitops.local/loopback-network"
	nodeAddress        = "127.0.0.1"
)

// registerNode creates the Node, or gives an older one these properties. The kubelet itself cannot: it refuses a
// loopback address, and names the node's host, which the API server would prefer and look up in DNS.
func registerNode(ctx context.Context, client kubernetes.Interface, name, zone string, t translation) error {
	node := &v1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: name,
			Labels: map[string]string{
				"type":               "process",
				v1.LabelHostname:     name,
				v1.LabelTopologyZone: zone,
				v1.LabelOSStable:     runtime.GOOS,
				v1.LabelArchStable:   runtime.GOARCH,
			},
			Annotations: map[string]string{loopbackAnnotation: t.loopback.String()},
		},
		Spec: v1.NodeSpec{
			PodCIDR:  t.pods.String(),
			PodCIDRs: []string{t.pods.String()},
			Taints:   []v1.Taint{{Key: processTaint, Value: "true", Effect: v1.TaintEffectNoSchedule}},
		},
	}
	nodes := client.CoreV1().Nodes()
	_, err := nodes.Create(ctx, node, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		// Taints of others stay: `kubectl drain` sets one.
		patch, _ := json.Marshal(map[string]any{"metadata": map[string]any{
			"labels": node.Labels, "annotations": node.Annotations,
		}})
		var present *v1.Node
		present, err = nodes.Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
		if err == nil && present.Spec.PodCIDR != node.Spec.PodCIDR {
			return fmt.Errorf("node %s has podCIDR %s, which cannot change to %s: delete the node", name, present.Spec.PodCIDR, node.Spec.PodCIDR)
		}
	}
	if err != nil {
		return fmt.Errorf("node %s cannot be registered: %w", name, err)
	}
	patch, _ := json.Marshal(map[string]any{"status": map[string]any{
		"addresses": []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: nodeAddress}},
	}})
	if _, err := nodes.Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
		return fmt.Errorf("the address of node %s cannot be reported: %w", name, err)
	}
	return nil
}
