package report

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestFromEnvironment(t *testing.T) {
	f := func(want Lang, env ...string) {
		t.Helper()
		got := FromEnvironment(func(name string) (string, bool) {
			for _, e := range env {
				if value, ok := strings.CutPrefix(e, name+"="); ok {
					return value, true
				}
			}
			return "", false
		})
		if got != want {
			t.Errorf("%v: %s, want %s", env, got, want)
		}
	}
	f(English)
	f(English, "LANG=C.UTF-8")
	f(Chinese, "LANG=zh_CN.UTF-8")
	f(Chinese, "LANG=ZH_tw")
	f(English, "LANG=zh_CN.UTF-8", "LC_ALL=C") // LC_ALL comes before all others
	f(Chinese, "LANG=en_US.UTF-8", "LC_MESSAGES=zh_CN.GB18030")
	f(Chinese, "LC_ALL=", "LANG=zh_CN") // what is empty is not set
}

func TestParseLang(t *testing.T) {
	for _, name := range []string{"en", "zh"} {
		if l, err := ParseLang(name); err != nil || string(l) != name {
			t.Errorf("%s: %q, %v", name, l, err)
		}
	}
	for _, name := range []string{"", "de", "ZH", "auto"} {
		if _, err := ParseLang(name); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

// Every text is there in both languages, with the same verbs, and is used somewhere;
// what the sources and templates ask for is there.
func TestWords(t *testing.T) {
	verbs := regexp.MustCompile(`%(\[\d+\])?[-+.\d]*[a-z%]`)
	sources := readSources(t)
	for key, w := range words {
		if strings.TrimSpace(w.en) == "" || strings.TrimSpace(w.zh) == "" {
			t.Errorf("%q lacks a language", key)
		}
		if en, zh := verbs.FindAllString(w.en, -1), verbs.FindAllString(w.zh, -1); len(en) != len(zh) {
			t.Errorf("%q: the languages have different verbs: %q, %q", key, en, zh)
		}
		if !strings.Contains(sources, `"`+key+`"`) {
			t.Errorf("nothing uses %q", key)
		}
	}
	// l.T("key"), l.F("key", and {{t "key"}}, {{f "key" …}} in templates.
	for _, m := range regexp.MustCompile(`(?:\.[TF]\(|[{( ][tf] )"([^"]+)"`).FindAllStringSubmatch(sources, -1) {
		if _, ok := words[m[1]]; !ok {
			t.Errorf("there is no text for %q", m[1])
		}
	}
}

// readSources are all files of the package that may use words.
func readSources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, pattern := range []string{"*.go", "*.gohtml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if path == "words.go" || strings.HasSuffix(path, "_test.go") {
				continue
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(data)
		}
	}
	return all.String()
}
