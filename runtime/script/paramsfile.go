package script

import (
	"encoding/json"
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
	result bool // it is the result of a run: it has all parameters, also those that nobody gave
}

// readParamsFile reads JSON or YAML; JSON is YAML, so one reader does for both. A
// result.json stands for the parameters of its run.
func readParamsFile(path string) (*paramsFile, error) {
	if path == "" {
		return &paramsFile{}, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &ParamError{Message: fmt.Sprintf("parameter file: %v", err), Hint: "--params takes a JSON or YAML file"}
	}
	if values := resultParams(data); values != nil {
		return &paramsFile{path, values, true}, nil
	}
	values, err := parseParams(data)
	if err != nil {
		return nil, &ParamError{Message: fmt.Sprintf("parameter file %s: %v", path, err), Hint: "it holds one value a parameter, such as \"rate: 4\""}
	}
	return &paramsFile{path: path, values: values}, nil
}

// resultParams are the parameters of the run that a result.json is of, with what the
// script had chosen itself; nil when the file is none.
func resultParams(data []byte) map[string]any {
	var r struct {
		Schema int            `json:"schema"`
		Weir   *struct{}      `json:"weir"`
		Params map[string]any `json:"params"`
		Chosen map[string]any `json:"chosen"`
	}
	if json.Unmarshal(data, &r) != nil || r.Schema == 0 || r.Weir == nil || r.Params == nil {
		return nil
	}
	maps.Copy(r.Params, r.Chosen)
	for name, v := range r.Params {
		if v == nil { // it had no value
			delete(r.Params, name)
			continue
		}
		r.Params[name] = paramValue(v)
	}
	return r.Params
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
