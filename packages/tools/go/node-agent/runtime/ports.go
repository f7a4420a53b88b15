package runtime

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// freePorts fails when another program of this machine listens on a port of the pod on all addresses: no process of the
// pod could. It is tried on the address of the block that no pod has, so that ports of pods are no obstacle.
func (s *Service) freePorts(sb *sandbox) error {
	// Two trials of one port at a time would be in each other's way.
	s.portTrial.Lock()
	defer s.portTrial.Unlock()
	for _, port := range sb.config.GetPortMappings() {
		if port.GetProtocol() != runtimeapi.Protocol_TCP {
			continue
		}
		address := netip.AddrPortFrom(s.addresses.block.Addr(), uint16(port.GetContainerPort()))
		listener, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(address))
		if errors.Is(err, unix.EADDRINUSE) {
			return fmt.Errorf("port %d is in use on all addresses of this machine by another program, "+
				"which `ss -ltnp sport = :%d` names: end it, or make it listen on one address, such as 127.0.0.1",
				address.Port(), address.Port())
		}
		// Another problem is the process's own to report, such as a port that needs root.
		if err == nil {
			listener.Close()
		}
	}
	return nil
}
