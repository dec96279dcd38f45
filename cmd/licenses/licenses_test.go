package main

import (
	"bytes"
	"strings"
	"testing"

	"weir/runtime/licenses"
	"weir/runtime/race"
)

// What weir links has licences that can be told, and is listed with its texts; and what
// was written is read again.
func TestWeir(t *testing.T) {
	if race.Enabled {
		t.Skip("it does nothing at once, and takes long with the race detector")
	}
	l, err := collect("../..", "./cmd/weir", "../../.build/libtokenizers/current")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := l.Write(&b); err != nil {
		t.Fatal(err)
	}
	if l, err = licenses.Read(&b); err != nil {
		t.Fatal(err)
	}
	if without := unlicensed(l); len(without) > 0 {
		t.Errorf("no licence can be told of %v: do not link what has none", without)
	}
	f := func(kind, name, license, text string) {
		t.Helper()
		for _, d := range l.Dependencies {
			if d.Kind != kind || d.Name != name {
				continue
			}
			var all string
			for _, key := range d.Texts {
				all += l.Texts[key]
			}
			if d.License != license || d.Version == "" || !strings.Contains(all, text) {
				t.Errorf("%s %s: licence %s, want %s with %q in the text:\n%s", name, d.Version, d.License, license, text, all)
			}
			return
		}
		t.Errorf("%s is not listed", name)
	}
	f("toolchain", "Go standard library", "BSD-3-Clause", "The Go Authors")
	f("toolchain", "Rust standard library", "MIT OR Apache-2.0", "")
	f("go", "github.com/spf13/cobra", "Apache-2.0", "Apache License")
	f("go", "github.com/dop251/goja", "BSD-3-Clause AND MIT", "Dmitry Panov")
	f("go", "github.com/golang/freetype", "FTL OR GPL-2.0-or-later", "FreeType") // a choice, in a folder of its own
	f("rust", "minijinja", "Apache-2.0", "Apache License")
	f("rust", "base64", "MIT OR Apache-2.0", "Alice Maz") // the crate says MIT/Apache-2.0
	f("rust", "onig_sys", "MIT", "K.Kosako")              // the C that it compiles has a text of its own
	for _, d := range l.Dependencies {
		switch d.Name {
		case "weir", "libtokenizers", "github.com/rogpeppe/go-internal", "serde_derive", "cc":
			t.Errorf("%s is listed, and is not linked", d.Name)
		}
	}
}

func TestIdentify(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := strings.Join(identify(text), " "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f("SPDX-License-Identifier: MIT", "")
	f("Copyright 2020 somebody. All rights reserved.", "")
	f(`Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:
The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.
THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`, "MIT")
}
