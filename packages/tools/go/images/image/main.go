// image assembles a container image from folders, without a daemon, and pushes it to a registry.
//
// Usage: image < order.json
//
// The order is JSON, see Order. What was pushed is printed as JSON, see Result. The same order gives the same digest,
// whatever the times, owners and umask of the files. Credentials for the registry that is pushed to come from
// REGISTRY_USERNAME and REGISTRY_PASSWORD; all others, and these where there are none, from where `docker login` keeps them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1"
)

// Order says what to assemble and where to push it.
type Order struct {
	// Name of the repository, such as registry.example.com/team/service.
	Name string `json:"name"`
	// Tag is never moved: one that names another image already is an error.
	Tag string `json:"tag"`
	// Also are further tags, which may move.
	Also []string `json:"also"`
	// Base is an image by digest (name@sha256:…), by tag, or in an OCI layout (layout:FOLDER). Nothing where empty.
	Base string `json:"base"`
	// Platforms such as linux/amd64; several make an index.
	Platforms []string `json:"platforms"`
	// Layers are added to the base, lowest first.
	Layers []Layer `json:"layers"`
	// Config is the image's configuration as the OCI image specification has it; it is merged into that of the base.
	Config v1.Config `json:"config"`
	// Created is a time by RFC 3339, for the image and its files.
	Created v1.Time `json:"created"`
	// Registries gives host:port, to be reached by plain HTTP, for the name of a registry.
	Registries map[string]string `json:"registries"`
}

// Layer is a file or folder and its place in the image.
type Layer struct {
	From string `json:"from"`
	// To is an absolute path.
	To string `json:"to"`
	// Uncompressed saves time where a registry is on this machine.
	Uncompressed bool `json:"uncompressed"`
}

// Result is what was pushed.
type Result struct {
	// Reference is name:tag@digest.
	Reference string `json:"reference"`
	Digest    string `json:"digest"`
	// Base is name@digest; empty without a base from a registry.
	Base string `json:"base,omitempty"`
	// Seconds that each part took.
	Seconds Seconds `json:"seconds"`
}

type Seconds struct {
	Assemble float64 `json:"assemble"`
	Push     float64 `json:"push"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, in io.Reader, out io.Writer) error {
	order, err := readOrder(in)
	if err != nil {
		return err
	}
	registries := registries{ctx: ctx, addresses: order.Registries, keychain: authn.DefaultKeychain, backoff: patience}
	if password := os.Getenv("REGISTRY_PASSWORD"); password != "" {
		repository, err := name.NewRepository(order.Name)
		if err != nil {
			return err
		}
		registries.keychain = account{registry: repository.RegistryStr(), username: os.Getenv("REGISTRY_USERNAME"), password: password}
	}
	result, err := assembleAndPush(order, registries)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

func readOrder(in io.Reader) (Order, error) {
	decoder := json.NewDecoder(in)
	decoder.DisallowUnknownFields()
	var order Order
	if err := decoder.Decode(&order); err != nil {
		return Order{}, fmt.Errorf("the order on standard input: %w", err)
	}
	if order.Name == "" || order.Tag == "" || len(order.Platforms) == 0 || order.Created.IsZero() {
		return Order{}, errors.New("the order on standard input needs name, tag, platforms and created")
	}
	return order, nil
}

func assembleAndPush(order Order, registries registries) (Result, error) {
	start := time.Now()
	assembled, err := assemble(order, registries)
	if err != nil {
		return Result{}, err
	}
	pushing := time.Now()
	result, err := push(order, registries, assembled)
	result.Seconds = Seconds{Assemble: pushing.Sub(start).Seconds(), Push: time.Since(pushing).Seconds()}
	return result, err
}
