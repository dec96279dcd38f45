package convention

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"weir/runtime/result"
)

// caseFile is the name of a case's file, without its extension: its number and its name
// in letters, digits and hyphens.
func (l *load) caseFile() string {
	return fmt.Sprintf("%02d-%s", l.number, fileName(l.of.Name, "case"))
}

// fileName makes a part of a path of any text; instead is for one without a letter.
func fileName(text, instead string) string {
	const most = 60 // characters
	parts := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '_' })
	name := []rune(strings.Trim(strings.Join(parts, "-"), "."))
	if len(name) > most {
		name = name[:most]
	}
	if len(name) == 0 {
		return instead
	}
	return string(name)
}

// writeFile writes one file of an export, in a folder that is made for it.
func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return result.ReplaceFile(path, data, 0o644)
}

// member is one of an object's, whose order is kept.
type member struct {
	name  string
	value any
}

// object is written as JSON with its members in order; of several of one name the first
// counts.
type object []member

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	written := map[string]bool{}
	b.WriteByte('{')
	for _, m := range o {
		if written[m.name] {
			continue
		}
		if len(written) > 0 {
			b.WriteByte(',')
		}
		written[m.name] = true
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(append(append(name, ':'), value...))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// model is what was asked for in most requests, otherwise the first that the services
// name; "": nobody said.
func (l *load) model(run *result.Result) string {
	n, best := map[string]int{}, ""
	for i := range l.calls {
		m := l.calls[i].model
		if n[m]++; m != "" && (best == "" || n[m] > n[best]) {
			best = m
		}
	}
	for _, s := range run.Services {
		if best == "" && len(s.Models) > 0 {
			best = s.Models[0].Name
		}
	}
	return best
}

// tag is a number that the case's tags tell under one of some names; false: they do not.
func (l *load) tag(names ...string) (float64, bool) {
	for _, name := range names {
		switch n := l.of.Tags[name].(type) { // read from a file, or still in the memory of the run
		case float64:
			if n > 0 && n <= maxTokens {
				return n, true
			}
		case int64:
			if n > 0 && n <= maxTokens {
				return float64(n), true
			}
		}
	}
	return 0, false
}

// concurrency is how many requests at once the case asked for; nil: its tags do not say.
func (l *load) concurrency() any {
	if n, ok := l.tag("parallel", "max_concurrency", "concurrency", "users", "vus"); ok {
		return int64(n)
	}
	return nil
}
