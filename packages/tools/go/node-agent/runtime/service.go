// Package runtime implements the kubelet's container runtime interface (k8s.io/cri-api) in its own process, with
// sandboxes and containers that are processes of this machine: no namespaces, no cgroups, no mounts, no root.
package runtime

import (
	"context"
	"errors"
	"net/netip"

	"github.com/google/go-containerregistry/pkg/v1"
	internalapi "k8s.io/cri-api/pkg/apis"
)

// Images gives the unpacked root filesystem of an image that was pulled, and the image's configuration.
type Images interface {
	// RootFilesystem takes a reference as the kubelet passes it to CreateContainer: the id that PullImage returned.
	RootFilesystem(imageRef string) (dir string, config v1.Config, err error)
}

// Options of New; all are required.
type Options struct {
	// StateDir holds a folder for each sandbox and container; nothing else may use it.
	StateDir string
	// ShimPath is the program container-shim.
	ShimPath string
	// LoopbackCIDR is the block of loopback addresses that sandboxes get theirs from.
	LoopbackCIDR netip.Prefix
	Images       Images
}

// Service is the container runtime.
type Service struct {
	internalapi.RuntimeService
	options Options
}

// New loads what StateDir says, adopts the containers that still run, and clears what an interrupted call left.
func New(options Options) (*Service, error) {
	return nil, errors.New("not yet")
}

// Stop ends every container: SIGTERM, five seconds, SIGKILL.
func (s *Service) Stop(ctx context.Context) error {
	return errors.New("not yet")
}

// StopAll ends every container of a state folder that no agent uses: SIGTERM, five seconds, SIGKILL. Idempotent.
func StopAll(ctx context.Context, stateDir string) error {
	return errors.New("not yet")
}
