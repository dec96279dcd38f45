// Package schematest holds what weir has written against the published schemas, for
// tests.
package schematest

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"weir/docs"
)

// compiled are the schemas by name.
var compiled = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	all := map[string]*jsonschema.Schema{}
	for _, name := range docs.SchemaNames {
		text, err := docs.Schema(name)
		if err != nil {
			return nil, err
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource(name+".json", document); err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
		if all[name], err = c.Compile(name + ".json"); err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
	}
	return all, nil
})

// Validate tells what of a JSON text is not as the schema of this name says.
func Validate(name string, text []byte) error {
	all, err := compiled()
	if err != nil {
		return err
	}
	schema := all[name]
	if schema == nil {
		return fmt.Errorf("there is no schema %q", name)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(document)
}
