package registry

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// What a scenario is in a registry.
const (
	ArtifactType = "application/vnd.weir.scenario.v1"
	BundleType   = "application/vnd.weir.bundle.v1+zip"           // of the layer: the .weir file
	ConfigType   = "application/vnd.weir.scenario.config.v1+json" // of the config: the bundle's own manifest
)

// Bounds of what is read from a registry before its size is known to be sensible.
const (
	maxManifest = 1 << 20 // bytes
	maxConfig   = 16 << 20
)

// DefaultMaxSize is the largest bundle that is fetched unless something else is said, bytes.
const DefaultMaxSize = 2_000_000_000

// About is what people read of a scenario. Any of it may be "".
type About struct {
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
}

// Artifact is a bundle that is to be pushed.
type Artifact struct {
	File   string // path of the .weir file
	Config []byte // its manifest, JSON
	About
}

// manifestOf makes the manifest of an artifact. It has no time in it, so that the same
// bundle has the same digest whenever and by whomever it is pushed.
func manifestOf(layer, config ocispec.Descriptor, about About) ([]byte, error) {
	annotations := map[string]string{}
	for name, value := range map[string]string{
		ocispec.AnnotationTitle: about.Title, ocispec.AnnotationDescription: about.Description,
	} {
		if value != "" {
			annotations[name] = value
		}
	}
	if about.Title != "" && !strings.ContainsAny(about.Title, `/\`) {
		layer.Annotations = map[string]string{ocispec.AnnotationTitle: about.Title + ".weir"} // the file's name for oras pull
	}
	return json.Marshal(ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: ArtifactType,
		Config:       config,
		Layers:       []ocispec.Descriptor{layer},
		Annotations:  annotations,
	})
}

// readManifest finds the bundle in the manifest of an artifact. It was given with a
// media type.
func readManifest(mediaType string, text []byte) (layer ocispec.Descriptor, about About, err error) {
	refuse := func(format string, args ...any) (ocispec.Descriptor, About, error) {
		return ocispec.Descriptor{}, About{}, &Error{Problem: fmt.Sprintf(format, args...), Hint: "a scenario gets into a registry by: weir push x.weir oci://…"}
	}
	switch mediaType {
	case ocispec.MediaTypeImageManifest:
	case ocispec.MediaTypeImageIndex, "application/vnd.docker.distribution.manifest.list.v2+json":
		return refuse("it is an index of container images, not a weir scenario")
	case "application/vnd.docker.distribution.manifest.v2+json":
		return refuse("it is a container image, not a weir scenario")
	default:
		return ocispec.Descriptor{}, About{}, &Error{Problem: fmt.Sprintf("the answer is %q, which is no manifest of a registry", mediaType), Hint: "is there a registry at this host, and no web page?"}
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return refuse("its manifest cannot be read: %v", err)
	}
	is := m.ArtifactType
	if is == "" {
		is = m.Config.MediaType // of registries and tools that know no artifact types
	}
	switch {
	case is == ocispec.MediaTypeImageConfig:
		return refuse("it is a container image, not a weir scenario")
	case strings.HasPrefix(is, "application/vnd.weir.") && is != ArtifactType && is != ConfigType:
		return refuse("it is a %s, which this weir does not know; a newer one may", is)
	case is != ArtifactType && is != ConfigType:
		return refuse("it is an artifact of type %q, not a weir scenario", is)
	case len(m.Layers) != 1 || m.Layers[0].MediaType != BundleType:
		return refuse("it does not have one layer of type %s, but %s", BundleType, layers(m.Layers))
	}
	layer = m.Layers[0]
	if !isSHA256(string(layer.Digest)) || layer.Size <= 0 {
		return refuse("its layer has no proper digest and size")
	}
	return ocispec.Descriptor{MediaType: layer.MediaType, Digest: layer.Digest, Size: layer.Size}, About{
		Title:       m.Annotations[ocispec.AnnotationTitle],
		Description: m.Annotations[ocispec.AnnotationDescription],
	}, nil
}

func layers(all []ocispec.Descriptor) string {
	if len(all) == 0 {
		return "none"
	}
	const shown = 3
	var types []string
	for _, l := range all[:min(len(all), shown)] {
		types = append(types, l.MediaType)
	}
	if len(all) > shown {
		types = append(types, "…")
	}
	return fmt.Sprintf("%d: %s", len(all), strings.Join(types, ", "))
}

// describe is the descriptor of some bytes.
func describe(mediaType string, content []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))}
}
