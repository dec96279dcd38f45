package script

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// paramsFile is what --params names: values by parameter name or flag.
type paramsFile struct {
	path   string
	values map[string]any
}

// readParamsFile reads JSON or YAML; JSON is YAML, so one reader does for both.
func readParamsFile(path string) (*paramsFile, error) {
	if path == "" {
		return &paramsFile{}, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &ParamError{Message: fmt.Sprintf("parameter file: %v", err), Hint: "--params takes a JSON or YAML file"}
	}
	values, err := parseParams(data)
	if err != nil {
		return nil, &ParamError{Message: fmt.Sprintf("parameter file %s: %v", path, err), Hint: "it holds one value a parameter, such as \"rate: 4\""}
	}
	return &paramsFile{path, values}, nil
}

func parseParams(data []byte) (values map[string]any, err error) {
	// The YAML reader is fed by users; whatever it does with odd input is a fault of the file.
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("cannot be read as YAML: %v", x)
		}
	}()
	var document any
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New(strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	switch d := document.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return d, nil
	}
	return nil, errors.New("expected an object with one value a parameter")
}

// value looks a parameter up by its name in the script or by its flag.
func (f *paramsFile) value(p *Param) (v any, found bool) {
	if v, found = f.values[p.Name]; !found {
		v, found = f.values[p.Flag]
	}
	return v, found
}

// unknown lists the keys that no parameter has.
func (f *paramsFile) unknown(params []Param) []string {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(f.values)) {
		if !slices.ContainsFunc(params, func(p Param) bool { return p.Name == key || p.Flag == key }) {
			keys = append(keys, key)
		}
	}
	return keys
}
