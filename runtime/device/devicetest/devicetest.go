// Package devicetest helps the tests of the sources of devices: it holds what a source
// tells against a golden file, and puts fake tools on PATH.
package devicetest

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/runtime/device"
)

// Update is the flag -update of a test that has golden files.
var Update = flag.Bool("update", false, "write the golden files anew; read the difference before it is committed")

// Golden lists and reads a source and holds both against a file, but for when the
// reading was and how long it took. secret is a text that is another one in each run,
// such as the address of a test's server; it is written as «here». "" is none.
func Golden(t *testing.T, file string, s device.Source, secret string) {
	t.Helper()
	listing, err := s.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reading, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reading.At, reading.Took = time.Time{}, 0
	got, err := json.MarshalIndent(map[string]any{"list": listing, "read": reading}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text := string(got) + "\n"
	if secret != "" {
		text = strings.ReplaceAll(text, secret, "«here»")
	}
	if *Update {
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s differs (go test -update rewrites it):\n%s", file, text)
	}
}

// Fake puts a shell script on PATH, before everything else, under a tool's name. It
// returns the script's directory, which is empty otherwise; the script knows it as $HERE.
func Fake(t *testing.T, name, script string) string {
	t.Helper()
	dir := t.TempDir()
	text := "#!/bin/sh\nHERE='" + dir + "'\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return dir
}
