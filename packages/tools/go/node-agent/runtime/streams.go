package runtime

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"

	"gitops-platform/tools/node-agent/shim/record"
)

// Exec gives the address at which the command runs when the client connects.
func (s *Service) Exec(_ context.Context, request *runtimeapi.ExecRequest) (*runtimeapi.ExecResponse, error) {
	if _, err := s.running(request.GetContainerId()); err != nil {
		return nil, err
	}
	return s.streams.GetExec(request)
}

// Attach gives the address at which the container's output can be read.
func (s *Service) Attach(_ context.Context, request *runtimeapi.AttachRequest) (*runtimeapi.AttachResponse, error) {
	if _, err := s.running(request.GetContainerId()); err != nil {
		return nil, err
	}
	return s.streams.GetAttach(request)
}

// PortForward gives the address at which the ports of the sandbox can be reached.
func (s *Service) PortForward(_ context.Context, request *runtimeapi.PortForwardRequest) (*runtimeapi.PortForwardResponse, error) {
	if _, err := s.addressOf(request.GetPodSandboxId()); err != nil {
		return nil, err
	}
	return s.streams.GetPortForward(request)
}

func (s *Service) addressOf(sandboxID string) (netip.Addr, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	sb, err := s.readySandbox(sandboxID)
	if err != nil {
		return netip.Addr{}, err
	}
	return sb.address, nil
}

// PortForward connects a client to a port of the sandbox's address.
func (s streams) PortForward(ctx context.Context, sandboxID string, port int32, stream io.ReadWriteCloser) error {
	defer stream.Close()
	address, err := s.service.addressOf(sandboxID)
	if err != nil {
		return err
	}
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(address.String(), strconv.Itoa(int(port))))
	if err != nil {
		return err
	}
	defer connection.Close()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		io.Copy(connection, stream)
		connection.(*net.TCPConn).CloseWrite()
	}()
	_, err = io.Copy(stream, connection)
	// The server has closed: nobody reads what the client may still send.
	return err
}

// Attach sends what the process writes from now on, read from its log. A container with stdin is refused when it is
// created, so there is nothing to send to it.
func (s streams) Attach(ctx context.Context, id string, _ io.Reader, stdout, stderr io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize) error {
	c, err := s.service.running(id)
	if err != nil {
		return err
	}
	path := filepath.Join(c.sandbox.config.GetLogDirectory(), c.config.GetLogPath())
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { file.Close() }()
	if _, err := file.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	reader := bufio.NewReader(file)
	var line []byte
	for ended := false; ; {
		part, err := reader.ReadSlice('\n')
		line = append(line, part...)
		if err == nil {
			if err := writeOutput(line, stdout, stderr); err != nil {
				return err
			}
			line = line[:0]
			continue
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if ended || !errors.Is(err, io.EOF) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.ended:
			ended = true // read what was written last
		case <-time.After(100 * time.Millisecond):
			// The log goes on in a new file where this one was renamed.
			if next, err := os.Open(path); err == nil && !sameFile(file, next) {
				file.Close()
				file = next
				reader.Reset(file)
			} else if err == nil {
				next.Close()
			}
		}
	}
}

func sameFile(a, b *os.File) bool {
	first, err := a.Stat()
	if err != nil {
		return false
	}
	second, err := b.Stat()
	return err == nil && os.SameFile(first, second)
}

// writeOutput sends a line of the log to the stream that it came from, as the process wrote it.
func writeOutput(line []byte, stdout, stderr io.Writer) error {
	fields := bytes.SplitN(line, []byte{' '}, 4)
	if len(fields) < 4 {
		return nil
	}
	content := fields[3]
	if bytes.Equal(fields[2], []byte{'P'}) {
		content = bytes.TrimSuffix(content, []byte{'\n'})
	}
	to := stdout
	if bytes.Equal(fields[1], []byte("stderr")) {
		to = stderr
	}
	if to == nil {
		return nil
	}
	_, err := to.Write(content)
	return err
}

// ReopenContainerLog lets the process's output go on in a new file, after the kubelet has renamed the present one. It
// returns when the file is there.
func (s *Service) ReopenContainerLog(ctx context.Context, id string) error {
	var path string
	if err := s.reload(id, func(_ *container, config *record.Config) error {
		path = config.Log
		return nil
	}); err != nil {
		return err
	}
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
	}
	return status.Errorf(codes.DeadlineExceeded, "container %s: its shim has not opened %s anew", id, path)
}
