package docs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/goccy/go-yaml"
)

// languages are what a block may be, each with its check; nil: that is of other programs,
// and nothing here can read it, or another test does.
var languages = map[string]func(code string) error{
	"ts":     typescript,
	"json":   jsonValues,
	"yaml":   func(code string) error { return yaml.Unmarshal([]byte(code), new(any)) },
	"go":     golang,
	"sh":     nil, // TestCommands
	"groovy": nil, // TestCommands
	"text":   nil, "python": nil, "sql": nil, "promql": nil,
}

// TestCode holds that every block says what it is, and is that. The pages of modules
// show declarations, piece by piece, which TestModulePages holds against their files.
func TestCode(t *testing.T) {
	for _, page := range pages(t) {
		for _, b := range blocks(t, page) {
			check, known := languages[b.language]
			if !known {
				t.Errorf("%s:%d: a block of %q: what is it? ```sh for commands, ```text for what a program prints", page, b.line, b.language)
			} else if check != nil && !(b.fragment() && strings.HasPrefix(page, "modules/")) {
				if err := check(b.code); err != nil {
					t.Errorf("%s:%d: %v", page, b.line, err)
				}
			}
		}
	}
}

// typescript parses a scenario, or what may be in one or in its plan.
func typescript(code string) (err error) {
	for _, around := range [][2]string{{"", ""}, {"async function* plan() {\n", "\n}"}} {
		result := api.Transform(around[0]+whole(code)+around[1], api.TransformOptions{Loader: api.LoaderTS, Format: api.FormatESModule})
		if len(result.Errors) == 0 {
			return nil
		}
		e := result.Errors[0]
		err = fmt.Errorf("%s: %s", e.Text, e.Location.LineText)
	}
	return err
}

// whole puts a name where … says that something was left out.
func whole(code string) string { return strings.ReplaceAll(code, "…", "_") }

// jsonValues reads one value, or lines of them.
func jsonValues(code string) error {
	for d := json.NewDecoder(strings.NewReader(code)); ; {
		var value any
		if err := d.Decode(&value); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

var packageClause = regexp.MustCompile(`(?m)^package `)

// golang parses a file, or what may be in one or in a function.
func golang(code string) error {
	var err error
	for _, around := range [][2]string{{"", ""}, {"package p\n", ""}, {"package p\nfunc f() {\n", "\n}"}} {
		if _, err = parser.ParseFile(token.NewFileSet(), "block.go", around[0]+whole(code)+around[1], 0); err == nil || packageClause.MatchString(code) {
			return err
		}
	}
	return err
}
