package runtime

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// refused is the error for a field of a pod that cannot be had here; the kubelet shows it in the pod's status.
func refused(field string) error {
	return status.Errorf(codes.InvalidArgument,
		"%s is not supported on this node: its containers are processes of the machine, without isolation", field)
}

// refuseSandbox names the first field of a pod that this runtime lacks.
func refuseSandbox(config *runtimeapi.PodSandboxConfig) error {
	security := config.GetLinux().GetSecurityContext()
	if err := refuseNamespaces(security.GetNamespaceOptions()); err != nil {
		return err
	}
	for _, port := range config.GetPortMappings() {
		if port.GetHostPort() != 0 {
			return refused("hostPort")
		}
	}
	switch {
	case security.GetPrivileged():
		return refused("securityContext.privileged")
	case len(config.GetLinux().GetSysctls()) > 0:
		return refused("securityContext.sysctls")
	}
	return nil
}

// refuseContainer names the first field of a container that this runtime lacks.
func refuseContainer(config *runtimeapi.ContainerConfig) error {
	security := config.GetLinux().GetSecurityContext()
	if err := refuseNamespaces(security.GetNamespaceOptions()); err != nil {
		return err
	}
	for _, mount := range config.GetMounts() {
		if mount.GetImage().GetImage() != "" {
			return refused("an image volume")
		}
	}
	switch {
	case security.GetPrivileged():
		return refused("securityContext.privileged")
	case len(security.GetCapabilities().GetAddCapabilities()) > 0:
		return refused("securityContext.capabilities.add")
	case len(config.GetDevices()) > 0 || len(config.GetCDIDevices()) > 0:
		return refused("a device")
	case config.GetTty():
		return refused("tty")
	case config.GetStdin():
		return refused("stdin")
	}
	return nil
}

func refuseNamespaces(options *runtimeapi.NamespaceOption) error {
	switch {
	case options.GetNetwork() == runtimeapi.NamespaceMode_NODE:
		return refused("hostNetwork")
	case options.GetPid() == runtimeapi.NamespaceMode_NODE:
		return refused("hostPID")
	case options.GetPid() == runtimeapi.NamespaceMode_TARGET:
		return refused("targetContainerName")
	case options.GetIpc() == runtimeapi.NamespaceMode_NODE:
		return refused("hostIPC")
	case options.GetUsernsOptions().GetMode() == runtimeapi.NamespaceMode_POD && options.GetUsernsOptions() != nil:
		return refused("hostUsers: false")
	}
	return nil
}
