// Package schematest holds what weir has written against the published schemas, for
// tests.
package schematest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"weir/docs"
	"weir/runtime/result"
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

// ValidateRun tells what of the files of a run is not as the schemas say.
func ValidateRun(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, result.FileName))
	if err != nil {
		return err
	}
	if err := Validate("result", text); err != nil {
		return fmt.Errorf("%s: %w", result.FileName, err)
	}
	return errors.Join(validateLines("record", filepath.Join(dir, result.RecordsName)),
		validateLines("record", filepath.Join(dir, result.RequestsName)),
		validateLines("telemetry", filepath.Join(dir, result.SamplesName)))
}

// validateLines ends at the first line of a file that is wrong; a file that is not there
// has none.
func validateLines(name, path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	plain, err := zstd.NewReader(file)
	if err != nil {
		return err
	}
	defer plain.Close()
	lines := bufio.NewReader(plain)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := Validate(name, line); err != nil {
			return fmt.Errorf("%s: %s%w", path, line, err)
		}
	}
}
