package images

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// reference is an image as a pod names it: repository:tag, repository@digest, or repository:tag@digest. Where there is a
// digest, it alone decides which image is meant.
type reference struct {
	repository name.Repository
	tag        string
	digest     string
}

func parseReference(image string) (reference, error) {
	base, digest, hasDigest := strings.Cut(image, "@")
	tag, err := name.NewTag(base)
	if err != nil {
		return reference{}, fmt.Errorf("image name %q: %w", image, err)
	}
	if !hasDigest {
		return reference{repository: tag.Repository, tag: tag.TagStr()}, nil
	}
	if _, err := name.NewDigest(image); err != nil {
		return reference{}, fmt.Errorf("image name %q: %w", image, err)
	}
	return reference{repository: tag.Repository, digest: digest}, nil
}

func (r reference) String() string {
	if r.digest != "" {
		return r.repository.Name() + "@" + r.digest
	}
	return r.repository.Name() + ":" + r.tag
}

// at is the same image in a mirror, which is reached by plain HTTP.
func (r reference) at(mirror string) (name.Reference, error) {
	repository := mirror + "/" + r.repository.RepositoryStr()
	if r.digest != "" {
		return name.NewDigest(repository+"@"+r.digest, name.Insecure)
	}
	return name.NewTag(repository+":"+r.tag, name.Insecure)
}
