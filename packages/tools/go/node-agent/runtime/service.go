// Package runtime implements the kubelet's container runtime interface (k8s.io/cri-api) in its own process, with
// sandboxes and containers that are processes of this machine: no namespaces, no cgroups, no mounts, no root.
//
// What follows from that:
//   - A sandbox is a loopback address. A container whose environment says to listen on 0.0.0.0 or :: is given it.
//   - There is no chroot. The command, arguments and environment name paths of the image and of volumes; where such a
//     path is the whole value, the process gets the path on this machine instead (see paths).
//   - The process runs as the agent's user, with the machine's files readable to that user.
//   - Memory is limited by the container's shim, processor time is not.
//   - What cannot be had is refused by the name of its field (see refusals).
//
// Everything that must survive the agent is a file below Options.StateDir (see store.go for the order of writes).
package runtime

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming"

	"gitops-platform/tools/node-agent/shim/procfs"
)

// Name is what the ids of containers begin with in the status of a pod.
const Name = "process"

// Images gives the unpacked root filesystem of an image that was pulled, and the image's configuration.
type Images interface {
	// RootFilesystem takes a reference as the kubelet passes it to CreateContainer: the id that PullImage returned.
	RootFilesystem(imageRef string) (dir string, config v1.Config, err error)
}

// Options of New; all are required.
type Options struct {
	// StateDir holds a folder for each sandbox and container; one agent at a time uses it.
	StateDir string
	// ShimPath is the program container-shim.
	ShimPath string
	// LoopbackCIDR is the block of loopback addresses that sandboxes get theirs from.
	LoopbackCIDR netip.Prefix
	Images       Images
}

// Service is the container runtime.
type Service struct {
	options   Options
	lock      *os.File
	addresses *addresses
	streams   streaming.Server
	http      *http.Server
	closed    chan struct{}
	portTrial sync.Mutex

	// mutex guards all below, and the fields of sandboxes and containers that say so.
	mutex       sync.Mutex
	sandboxes   map[string]*sandbox
	containers  map[string]*container
	subscribers map[*queue]struct{}
	forest      procfs.Forest
}

var _ internalapi.RuntimeService = (*Service)(nil)

// New loads what StateDir says, adopts the containers that still run, and clears what an interrupted call left. It fails
// when another agent uses StateDir.
func New(options Options) (*Service, error) {
	// Whatever files the agent was started with are not for containers. Older kernels lack the call; nothing breaks then.
	unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	s, err := load(options)
	if err != nil {
		return nil, err
	}
	if err := s.serveStreams(); err != nil {
		s.Close(context.Background())
		return nil, err
	}
	return s, nil
}

// load is New without the server for exec, attach and port-forward.
func load(options Options) (*Service, error) {
	lock, err := lockState(options.StateDir)
	if err != nil {
		return nil, err
	}
	// The mark of processes has the path; it must be the same whatever way it was given.
	if options.StateDir, err = filepath.Abs(options.StateDir); err == nil {
		options.StateDir, err = filepath.EvalSymlinks(options.StateDir)
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	s := &Service{
		options: options, lock: lock, closed: make(chan struct{}),
		sandboxes: map[string]*sandbox{}, containers: map[string]*container{}, subscribers: map[*queue]struct{}{},
	}
	if err := s.adopt(); err != nil {
		s.Close(context.Background())
		return nil, err
	}
	return s, nil
}

// serveStreams starts the server that kubectl exec, attach and port-forward are sent on to by the kubelet.
func (s *Service) serveStreams() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	config := streaming.DefaultConfig
	config.Addr = listener.Addr().String()
	if s.streams, err = streaming.NewServer(config, streams{s}); err != nil {
		listener.Close()
		return err
	}
	s.http = &http.Server{Handler: s.streams, ReadHeaderTimeout: time.Minute}
	go s.http.Serve(listener)
	return nil
}

// Close lets go of the state folder; containers go on running.
func (s *Service) Close(context.Context) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	select {
	case <-s.closed:
		return nil
	default:
	}
	close(s.closed)
	if s.http != nil {
		s.http.Close()
	}
	for _, c := range s.containers {
		if c.shim != nil {
			c.shim.close()
		}
	}
	return s.lock.Close()
}

// Version says who answers.
func (s *Service) Version(context.Context, string) (*runtimeapi.VersionResponse, error) {
	return &runtimeapi.VersionResponse{
		Version: "0.1.0", RuntimeName: Name, RuntimeVersion: "1.0.0", RuntimeApiVersion: "v1",
	}, nil
}

// Status is always good: there is no daemon and no network to wait for.
func (s *Service) Status(context.Context, bool) (*runtimeapi.StatusResponse, error) {
	return &runtimeapi.StatusResponse{
		Status: &runtimeapi.RuntimeStatus{Conditions: []*runtimeapi.RuntimeCondition{
			{Type: runtimeapi.RuntimeReady, Status: true},
			{Type: runtimeapi.NetworkReady, Status: true},
		}},
		RuntimeHandlers: []*runtimeapi.RuntimeHandler{{Name: "", Features: &runtimeapi.RuntimeHandlerFeatures{}}},
		Features:        &runtimeapi.RuntimeFeatures{},
	}, nil
}

// RuntimeConfig names the driver of cgroups that a kubelet without cgroups has.
func (s *Service) RuntimeConfig(context.Context) (*runtimeapi.RuntimeConfigResponse, error) {
	return &runtimeapi.RuntimeConfigResponse{
		Linux: &runtimeapi.LinuxRuntimeConfiguration{CgroupDriver: runtimeapi.CgroupDriver_CGROUPFS},
	}, nil
}

// UpdateRuntimeConfig is told the node's pod CIDR, which says nothing about loopback addresses.
func (s *Service) UpdateRuntimeConfig(context.Context, *runtimeapi.RuntimeConfig) error { return nil }

// CheckpointContainer is not supported.
func (s *Service) CheckpointContainer(context.Context, *runtimeapi.CheckpointContainerRequest) error {
	return fmt.Errorf("checkpoint: %w", errors.ErrUnsupported)
}
