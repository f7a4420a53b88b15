package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// registries says how registries are reached.
type registries struct {
	ctx       context.Context
	addresses map[string]string
	keychain  authn.Keychain
	// backoff between attempts when a registry answers with an error of its own.
	backoff remote.Backoff
}

// patience is what most clients have: three attempts within four seconds.
var patience = remote.Backoff{Duration: time.Second, Factor: 3, Jitter: 0.1, Steps: 3}

func (r registries) options() []remote.Option {
	return []remote.Option{remote.WithContext(r.ctx), remote.WithAuthFromKeychain(r.keychain), remote.WithRetryBackoff(r.backoff)}
}

// at gives a reference at the address of its registry.
func (r registries) at(ref name.Reference) (name.Reference, error) {
	address, ok := r.addresses[ref.Context().RegistryStr()]
	if !ok {
		return ref, nil
	}
	repository := address + "/" + ref.Context().RepositoryStr()
	if digest, ok := ref.(name.Digest); ok {
		return name.NewDigest(repository+"@"+digest.DigestStr(), name.Insecure)
	}
	return name.NewTag(repository+":"+ref.Identifier(), name.Insecure)
}

// account is that of one registry; no other is shown the password, such as that of the base image.
type account struct{ registry, username, password string }

func (a account) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	if resource.RegistryStr() != a.registry {
		return authn.DefaultKeychain.Resolve(resource)
	}
	return authn.FromConfig(authn.AuthConfig{Username: a.username, Password: a.password}), nil
}

// push pushes blobs, manifests by digest, then the tags, the order's own tag last: a push that fails leaves no such tag.
// An image that is there already under its tag is not pushed again.
func push(order Order, registries registries, pushed assembled) (Result, error) {
	canonical, err := name.NewTag(order.Name+":"+order.Tag, name.StrictValidation)
	if err != nil {
		return Result{}, fmt.Errorf("%s:%s: %w", order.Name, order.Tag, err)
	}
	result := Result{
		Reference: canonical.Name() + "@" + pushed.digest.String(),
		Digest:    pushed.digest.String(),
		Base:      pushed.base,
	}
	location, err := registries.at(canonical)
	if err != nil {
		return Result{}, err
	}
	tag := location.(name.Tag)
	options := registries.options()
	existing, err := remote.Head(tag, options...)
	if err != nil && !isNotFound(err) {
		return Result{}, fmt.Errorf("%s: %w", canonical, err)
	}
	if err == nil && existing.Digest != pushed.digest {
		return Result{}, fmt.Errorf("%s already exists and is another image (%s); a tag is never moved", canonical, existing.Digest)
	}
	if err != nil {
		if err := remote.Push(tag.Digest(pushed.digest.String()), pushed.content, options...); err != nil {
			return Result{}, fmt.Errorf("%s was not pushed: %w", canonical, err)
		}
	}
	for _, also := range append(order.Also, order.Tag) {
		if err := remote.Tag(tag.Tag(also), pushed.content, options...); err != nil {
			return Result{}, fmt.Errorf("%s:%s was not set: %w", canonical.Context(), also, err)
		}
	}
	return result, nil
}

func isNotFound(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}
