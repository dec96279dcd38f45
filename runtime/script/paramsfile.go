package script

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
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

func parseParams(data []byte) (map[string]any, error) {
	document, err := ReadYAML(string(data))
	if err != nil {
		return nil, err
	}
	switch d := document.(type) {
	case nil:
		return nil, nil
	case *Object:
		values := make(map[string]any, len(d.Keys))
		for i, key := range d.Keys {
			values[key] = paramValue(d.Values[i])
		}
		return values, nil
	}
	return nil, errors.New("expected an object with one value a parameter")
}

// paramValue keeps whole numbers whole, as those of flags are.
func paramValue(v any) any {
	switch v := v.(type) {
	case float64:
		if n := int64(v); v == float64(n) && n > -1<<53 && n < 1<<53 {
			return n
		}
	case []any:
		for i := range v {
			v[i] = paramValue(v[i])
		}
	}
	return v
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
