package core

import (
	"github.com/dop251/goja"

	"weir/runtime/script"
)

// parseYAML makes plain data of a YAML document.
func parseYAML(rt *script.Runtime, call goja.FunctionCall) (goja.Value, error) {
	text, ok := script.Export(call.Argument(0)).(string)
	if !ok {
		return nil, script.TypeErrorf("the argument is %s, not a text: read a file with open(path)", call.Argument(0))
	}
	v, err := script.ReadYAML(text)
	if err != nil {
		return nil, err
	}
	return rt.Attach(v), nil
}
