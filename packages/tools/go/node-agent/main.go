// node-agent is a node of the local machine: the kubelet of Kubernetes over a container runtime whose containers are
// processes. `run` serves until SIGTERM and leaves its containers running; the next `run` with the same state folder
// takes them over, `stop` ends them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"gitops-platform/tools/node-agent/runtime"
)

func main() {
	var state string
	root := &cobra.Command{
		Use:          "node-agent",
		Short:        "a Kubernetes node whose pods are processes of this machine",
		SilenceUsage: true,
	}
	root.PersistentFlags().StringVar(&state, "state", "", "the `folder` of everything that the node keeps (required)")
	_ = root.MarkPersistentFlagRequired("state")

	var o options
	run := &cobra.Command{
		Use:   "run",
		Short: "serve the node until SIGTERM; its pods stay",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			o.state = state
			return runAgent(command.Context(), o)
		},
	}
	flags := run.Flags()
	required := func(value *string, name, usage string) {
		flags.StringVar(value, name, "", usage)
		_ = run.MarkFlagRequired(name)
	}
	required(&o.node, "node", "the node's `name`")
	required(&o.zone, "zone", "the `zone` that the node reports")
	required(&o.kubeconfig, "kubeconfig", "a `file` that says how to reach the API server")
	required(&o.clientCA, "client-ca", "a `file` with the certificate authority of the kubelet's clients")
	required(&o.certificate, "tls-cert", "a `file` with the kubelet's certificate for 127.0.0.1")
	required(&o.key, "tls-key", "a `file` with its private key")
	required(&o.podCIDR, "pod-cidr", "the `network` of the pods' addresses as the API server knows them")
	required(&o.loopbackCIDR, "loopback-cidr", "the `network` of loopback that the pods listen on, of the same size")
	flags.StringToStringVar(&o.registries, "registry", nil, "where a registry is really reached, as `name=host:port`; others are refused")
	flags.Int32Var(&o.port, "port", 0, "the kubelet's `port` of 127.0.0.1 (required)")
	_ = run.MarkFlagRequired("port")

	stop := &cobra.Command{
		Use:   "stop",
		Short: "end all pods of a node that does not run",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return runtime.StopAll(command.Context(), runtimeFolder(state))
		},
	}
	root.AddCommand(run, stop)

	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := root.ExecuteContext(ctx); err != nil {
		os.Exit(1)
	}
}
