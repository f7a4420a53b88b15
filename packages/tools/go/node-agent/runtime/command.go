package runtime

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	securejoin "github.com/cyphar/filepath-securejoin"
	"github.com/google/go-containerregistry/pkg/v1"
	"gitops-platform/tools/node-agent/shim/record"
	"golang.org/x/sys/unix"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const (
	// markVariable names in the environment of a container's processes the folder that they belong to, so that none is
	// lost whose parents are all gone.
	markVariable = "CONTAINER_FOLDER"
	// scratchFolder is what a container without a volume at /tmp gets as its TMPDIR.
	scratchFolder = "tmp"
	defaultPath   = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// paths translates a path as the container's author wrote it to one of this machine.
type paths struct {
	root   string
	mounts []*runtimeapi.Mount
}

// ofMount finds a path at or below a mount.
func (p paths) ofMount(path string) (string, bool) {
	var best *runtimeapi.Mount
	for _, mount := range p.mounts {
		below := path == mount.ContainerPath || strings.HasPrefix(path, strings.TrimSuffix(mount.ContainerPath, "/")+"/")
		if below && (best == nil || len(mount.ContainerPath) > len(best.ContainerPath)) {
			best = mount
		}
	}
	if best == nil {
		return path, false
	}
	return filepath.Join(best.HostPath, strings.TrimPrefix(path, best.ContainerPath)), true
}

// ofImage is where a path is in the image, links resolved as if the image were all there is.
func (p paths) ofImage(path string) string {
	joined, err := securejoin.SecureJoin(p.root, path)
	if err != nil {
		return filepath.Join(p.root, path)
	}
	return joined
}

// argument translates a value that as a whole is the path of a mount, or of a file of the image.
func (p paths) argument(value string) string {
	if !filepath.IsAbs(value) {
		return value
	}
	if translated, found := p.ofMount(value); found {
		return translated
	}
	if info, err := os.Stat(p.ofImage(value)); err == nil && info.Mode().IsRegular() {
		return p.ofImage(value)
	}
	return value
}

// program finds an executable as exec would in the container.
func (p paths) program(name, workingDir, searchPath string) (string, error) {
	var candidates []string
	switch {
	case filepath.IsAbs(name):
		candidate, found := p.ofMount(name)
		if !found {
			candidate = p.ofImage(name)
		}
		candidates = []string{candidate}
	case strings.Contains(name, "/"):
		candidates = []string{filepath.Join(workingDir, name)}
	default:
		for _, dir := range filepath.SplitList(searchPath) {
			candidates = append(candidates, filepath.Join(dir, name))
		}
	}
	for _, candidate := range candidates {
		if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return candidate, nil
		} else if len(candidates) == 1 && err == nil {
			return "", fmt.Errorf("exec: %q: not an executable file", name)
		}
	}
	if strings.Contains(name, "/") {
		return "", fmt.Errorf("exec: %q: no such file in the image", name)
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", name)
}

// search translates $PATH: only the image's programs are there, as in a container.
func (p paths) search(value string) string {
	var dirs []string
	for _, dir := range filepath.SplitList(value) {
		if filepath.IsAbs(dir) {
			dirs = append(dirs, p.ofImage(dir))
		}
	}
	return strings.Join(dirs, string(filepath.ListSeparator))
}

// command is what a container's processes have in common: its first one and those of exec.
type command struct {
	paths      paths
	workingDir string
	env        map[string]string
}

// newCommand gives environment and working directory as the image has them and the pod changes them.
func newCommand(c *container, root string, image v1.Config) command {
	// Of two mounts of one path the first counts: the scratch folder is for who has no volume there.
	scratch := &runtimeapi.Mount{ContainerPath: "/tmp", HostPath: filepath.Join(c.folder, scratchFolder)}
	p := paths{root: root, mounts: append(slices.Clone(c.config.Mounts), scratch)}

	env := map[string]string{"PATH": defaultPath, "HOSTNAME": c.sandbox.config.GetHostname(), "HOME": "/tmp", "TMPDIR": "/tmp"}
	for _, entry := range image.Env {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	for _, entry := range c.config.Envs {
		env[entry.Key] = string(entry.Value)
	}
	for name, value := range env {
		switch {
		case name == "PATH":
			env[name] = p.search(value)
		// The wildcard addresses would be all of the machine's, and the next pod's port would be in use.
		case value == "0.0.0.0" || value == "::":
			env[name] = c.sandbox.address.String()
		case filepath.IsAbs(value):
			env[name], _ = p.ofMount(value)
		}
	}
	env[markVariable] = c.folder

	workingDir := c.config.WorkingDir
	if workingDir == "" {
		workingDir = image.WorkingDir
	}
	if translated, found := p.ofMount(workingDir); found {
		return command{p, translated, env}
	}
	return command{p, p.ofImage(workingDir), env}
}

// resolve translates a command line. The first argument stays as it was written, as programs look at their own name.
func (c command) resolve(line []string) (path string, args []string, err error) {
	if len(line) == 0 {
		return "", nil, errors.New("no command specified")
	}
	if path, err = c.paths.program(line[0], c.workingDir, c.env["PATH"]); err != nil {
		return "", nil, err
	}
	args = []string{line[0]}
	for _, argument := range line[1:] {
		args = append(args, c.paths.argument(argument))
	}
	return path, args, nil
}

// environment gives the variables in the form of exec.
func (c command) environment() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(c.env)) {
		list = append(list, name+"="+c.env[name])
	}
	return list
}

// commandLine is the pod's command and arguments, or the image's: a command of the pod replaces both of the image's.
func commandLine(config *runtimeapi.ContainerConfig, image v1.Config) []string {
	entrypoint, arguments := config.Command, config.Args
	if len(entrypoint) == 0 {
		entrypoint = image.Entrypoint
		if len(arguments) == 0 {
			arguments = image.Cmd
		}
	}
	return append(slices.Clone(entrypoint), arguments...)
}

// stopSignal is the pod's, or the image's, or SIGTERM.
func stopSignal(config *runtimeapi.ContainerConfig, image v1.Config) (int, error) {
	name := image.StopSignal
	if config.StopSignal != runtimeapi.Signal_RUNTIME_DEFAULT {
		name = config.StopSignal.String()
	}
	if name == "" {
		return int(unix.SIGTERM), nil
	}
	if number, err := strconv.Atoi(name); err == nil {
		return number, nil
	}
	if number := unix.SignalNum("SIG" + strings.TrimPrefix(name, "SIG")); number != 0 {
		return int(number), nil
	}
	return 0, fmt.Errorf("unknown stop signal %s", name)
}

// shimConfig is what the container's shim runs.
func shimConfig(c *container, root string, image v1.Config) (record.Config, error) {
	common := newCommand(c, root, image)
	if info, err := os.Stat(common.workingDir); err != nil || !info.IsDir() {
		return record.Config{}, fmt.Errorf("workingDir: no such folder in the image: %q", c.config.WorkingDir+image.WorkingDir)
	}
	path, args, err := common.resolve(commandLine(c.config, image))
	if err != nil {
		return record.Config{}, err
	}
	signal, err := stopSignal(c.config, image)
	return record.Config{
		Path: path, Args: args, Env: common.environment(), WorkingDir: common.workingDir,
		Log:         filepath.Join(c.sandbox.config.GetLogDirectory(), c.config.GetLogPath()),
		StopSignal:  signal,
		MemoryLimit: c.resources.GetMemoryLimitInBytes(),
	}, err
}
