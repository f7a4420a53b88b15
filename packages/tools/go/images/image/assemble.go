package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Annotations of the OCI image specification.
const (
	baseNameAnnotation   = "org.opencontainers.image.base.name"
	baseDigestAnnotation = "org.opencontainers.image.base.digest"
)

// assembled is an image, or an index of several.
type assembled struct {
	content remote.Taggable
	digest  v1.Hash
	// base is name@digest; empty without a base from a registry.
	base string
}

func assemble(order Order, registries registries) (assembled, error) {
	var platforms []v1.Platform
	for _, text := range order.Platforms {
		platform, err := v1.ParsePlatform(text)
		if err != nil || platform.OS == "" || platform.Architecture == "" {
			return assembled{}, fmt.Errorf("platform %q is not of the form linux/amd64", text)
		}
		platforms = append(platforms, *platform)
	}
	base, err := openBase(order.Base, registries)
	if err != nil {
		return assembled{}, fmt.Errorf("base image %s: %w", order.Base, err)
	}

	var images []v1.Image
	var layers []v1.Layer
	for _, platform := range platforms {
		image, err := base.image(platform)
		if err != nil {
			return assembled{}, fmt.Errorf("base image %s: %w", order.Base, err)
		}
		if layers == nil {
			if layers, err = newLayers(order, image); err != nil {
				return assembled{}, err
			}
		}
		image, err = configure(image, platform, order, layers)
		if err != nil {
			return assembled{}, err
		}
		images = append(images, mutate.Annotations(image, base.annotations()).(v1.Image))
	}
	if len(images) == 1 {
		return describe(images[0], base)
	}

	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for position, image := range images {
		platform := platforms[position]
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &platform}})
	}
	return describe(mutate.Annotations(index, base.annotations()).(v1.ImageIndex), base)
}

// newLayers makes the layers that all platforms share, in the format of the base.
func newLayers(order Order, base v1.Image) ([]v1.Layer, error) {
	mediaType, err := base.MediaType()
	if err != nil {
		return nil, err
	}
	layers := make([]v1.Layer, 0, len(order.Layers))
	for _, source := range order.Layers {
		layer, err := newLayer(source, order.Created.Time, mediaType == types.DockerManifestSchema2)
		if err != nil {
			return nil, err
		}
		layers = append(layers, layer)
	}
	return layers, nil
}

func configure(image v1.Image, platform v1.Platform, order Order, layers []v1.Layer) (v1.Image, error) {
	for index, layer := range layers {
		added, err := mutate.Append(image, mutate.Addendum{
			Layer:   layer,
			History: v1.History{Created: order.Created, CreatedBy: "COPY " + order.Layers[index].To},
		})
		if err != nil {
			return nil, err
		}
		image = added
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.Created = order.Created
	config.OS, config.Architecture, config.Variant = platform.OS, platform.Architecture, platform.Variant
	config.Config = merge(config.Config, order.Config)
	return mutate.ConfigFile(image, config)
}

// merge gives the base's configuration with the changes that a Dockerfile with the same instructions would make.
func merge(base, ours v1.Config) v1.Config {
	merged := base
	merged.Env = slices.Clone(base.Env)
	for _, variable := range ours.Env {
		key, _, _ := strings.Cut(variable, "=")
		merged.Env = slices.DeleteFunc(merged.Env, func(other string) bool { return strings.HasPrefix(other, key+"=") })
		merged.Env = append(merged.Env, variable)
	}
	merged.Labels = mergeMaps(base.Labels, ours.Labels)
	merged.ExposedPorts = mergeMaps(base.ExposedPorts, ours.ExposedPorts)
	if ours.Entrypoint != nil {
		// The base's arguments were meant for its own entrypoint.
		merged.Entrypoint, merged.Cmd = ours.Entrypoint, nil
	}
	if ours.Cmd != nil {
		merged.Cmd = ours.Cmd
	}
	if ours.User != "" {
		merged.User = ours.User
	}
	if ours.WorkingDir != "" {
		merged.WorkingDir = ours.WorkingDir
	}
	if ours.StopSignal != "" {
		merged.StopSignal = ours.StopSignal
	}
	return merged
}

func mergeMaps[V any](base, ours map[string]V) map[string]V {
	if len(base) == 0 && len(ours) == 0 {
		return nil
	}
	merged := map[string]V{}
	maps.Copy(merged, base)
	maps.Copy(merged, ours)
	return merged
}

func describe(content remote.Taggable, base base) (assembled, error) {
	digest, err := content.(interface{ Digest() (v1.Hash, error) }).Digest()
	return assembled{content: content, digest: digest, base: base.reference()}, err
}

// base is what an image is built on: an image or an index, or nothing.
type base struct {
	name   string
	digest v1.Hash
	single v1.Image
	index  v1.ImageIndex
}

func openBase(text string, registries registries) (base, error) {
	if text == "" {
		image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
		return base{single: image}, nil
	}
	if folder, isLayout := strings.CutPrefix(text, "layout:"); isLayout {
		index, err := layout.ImageIndexFromPath(folder)
		if err != nil {
			return base{}, err
		}
		return insideLayout(index)
	}
	ref, err := name.ParseReference(text, name.StrictValidation)
	if err != nil {
		return base{}, err
	}
	location, err := registries.at(ref)
	if err != nil {
		return base{}, err
	}
	descriptor, err := remote.Get(location, registries.options()...)
	if err != nil {
		return base{}, err
	}
	opened := base{name: ref.Context().Name(), digest: descriptor.Digest}
	if descriptor.MediaType.IsIndex() {
		opened.index, err = descriptor.ImageIndex()
	} else {
		opened.single, err = descriptor.Image()
	}
	return opened, err
}

// insideLayout gives the one image or index that a layout holds. Without a registry it has no name to record.
func insideLayout(outer v1.ImageIndex) (base, error) {
	manifest, err := outer.IndexManifest()
	if err != nil {
		return base{}, err
	}
	if len(manifest.Manifests) != 1 || !manifest.Manifests[0].MediaType.IsIndex() {
		return base{index: outer}, nil
	}
	inner, err := outer.ImageIndex(manifest.Manifests[0].Digest)
	return base{index: inner}, err
}

// image gives the base for a platform.
func (b base) image(platform v1.Platform) (v1.Image, error) {
	if b.index == nil {
		config, err := b.single.ConfigFile()
		if err != nil {
			return nil, err
		}
		if config.Architecture != "" && !config.Platform().Satisfies(platform) {
			return nil, fmt.Errorf("is for %s, not for %s", config.Platform(), platform)
		}
		return b.single, nil
	}
	manifest, err := b.index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, each := range manifest.Manifests {
		if each.MediaType.IsImage() && (each.Platform == nil || each.Platform.Satisfies(platform)) {
			return b.index.Image(each.Digest)
		}
	}
	return nil, errors.New("has no image for " + platform.String())
}

func (b base) reference() string {
	if b.name == "" {
		return ""
	}
	return b.name + "@" + b.digest.String()
}

func (b base) annotations() map[string]string {
	if b.name == "" {
		return nil
	}
	return map[string]string{baseNameAnnotation: b.name, baseDigestAnnotation: b.digest.String()}
}
