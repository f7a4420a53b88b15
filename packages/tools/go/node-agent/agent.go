package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"gitops-platform/tools/node-agent/images"
	"gitops-platform/tools/node-agent/runtime"
)

type options struct {
	node, zone, kubeconfig, state, clientCA, certificate, key, podCIDR, loopbackCIDR string
	// registries says where each registry is really reached.
	registries map[string]string
	port       int32
}

// runAgent serves the node until the context ends, and leaves its containers running.
func runAgent(ctx context.Context, o options) error {
	var err error
	if o.state, err = filepath.Abs(o.state); err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	if err := os.MkdirAll(o.state, 0o700); err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	network, err := newTranslation(o.podCIDR, o.loopbackCIDR)
	if err != nil {
		return err
	}
	config, err := loadConfig(o.kubeconfig)
	if err != nil {
		return fmt.Errorf("--kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("--kubeconfig: %w", err)
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	store, err := images.New(images.Options{Folder: filepath.Join(o.state, "images"), Mirrors: o.registries})
	if err != nil {
		return fmt.Errorf("the image service does not start: %w", err)
	}
	containers, err := runtime.New(runtime.Options{
		StateDir:     runtimeFolder(o.state),
		ShimPath:     filepath.Join(filepath.Dir(program), "container-shim"),
		LoopbackCIDR: network.loopback,
		Images:       store,
	})
	if err != nil {
		return fmt.Errorf("the container runtime does not start: %w", err)
	}
	if err := registerNode(ctx, client, o.node, o.zone, network); err != nil {
		return err
	}
	if err := serveKubelet(ctx, o, config, network, containers, store); err != nil {
		return fmt.Errorf("the kubelet does not start: %w", err)
	}
	<-ctx.Done()
	return nil
}

// loadConfig gives the configuration of the node's clients.
func loadConfig(kubeconfig string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	// No limit of our own: the API server has priorities.
	config.QPS = -1
	return config, nil
}
