// Runs Helm and takes large CustomResourceDefinitions out of what it prints: each goes into a file that is named by its hash, and
// a small definition with that name takes its place. Definitions are megabytes of YAML and the same for every cluster, so that the
// renderer (../render) reads each once. It calls this program in place of helm.
//
// HELM is the real program, DEFINITIONS the folder for the files.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// From this size on.
const largeBytes = 16 << 10

var (
	separator  = []byte("\n---\n")
	definition = []byte("\nkind: CustomResourceDefinition\n")
)

func main() {
	command := exec.Command(os.Getenv("HELM"), os.Args[1:]...)
	command.Stdin, command.Stderr = os.Stdin, os.Stderr
	output, err := command.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		os.Stdout.Write(output)
		os.Exit(exit.ExitCode())
	}
	if err == nil {
		output, err = withoutDefinitions(output, os.Getenv("DEFINITIONS"))
	}
	if err == nil {
		_, err = os.Stdout.Write(output)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// withoutDefinitions writes the large definitions among YAML documents to files, and returns the documents with small ones in
// their place.
func withoutDefinitions(documents []byte, folder string) ([]byte, error) {
	if len(documents) < largeBytes {
		return documents, nil
	}
	parts := bytes.Split(documents, separator)
	for i, part := range parts {
		// What has another separator within is left as it is: it may be several documents.
		if len(part) < largeBytes || !bytes.Contains(part, definition) || bytes.Contains(part, []byte("\n---")) {
			continue
		}
		sum := sha256.Sum256(part)
		name := hex.EncodeToString(sum[:])
		if err := keep(filepath.Join(folder, name), part); err != nil {
			return nil, err
		}
		parts[i] = fmt.Appendf(nil, "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: %s", name)
	}
	return bytes.Join(parts, separator), nil
}

// keep writes a file whole, unless another run has done so.
func keep(file string, content []byte) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	scratch, err := os.CreateTemp(filepath.Dir(file), "writing-")
	if err != nil {
		return err
	}
	defer os.Remove(scratch.Name())
	if _, err = scratch.Write(content); err != nil {
		return err
	}
	if err = scratch.Close(); err != nil {
		return err
	}
	return os.Rename(scratch.Name(), file)
}
