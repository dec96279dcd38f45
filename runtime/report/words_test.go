package report

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"weir/runtime/metrics"
	"weir/runtime/result"
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
		if !used(key, sources) {
			t.Errorf("nothing uses %q", key)
		}
	}
	// l.T("key"), l.F("key", and {{t "key"}}, {{f "key" …}} in templates.
	for _, m := range regexp.MustCompile(`(?:\.[TF]\(|[{( ][tf] )"([^"]+[^" ])"`).FindAllStringSubmatch(sources, -1) {
		if _, ok := words[m[1]]; !ok {
			t.Errorf("there is no text for %q", m[1])
		}
	}
}

// used tells whether the sources ask for a text: by its name, or by one that is put
// together, of which the first or last part is theirs.
func used(key, sources string) bool {
	if name, ok := strings.CutPrefix(key, "rule "); ok {
		return slices.Contains(metrics.RuleNames, name)
	}
	if name, ok := strings.CutPrefix(key, "term "); ok {
		return English.Definition(name) != ""
	}
	if name, ok := strings.CutPrefix(key, "window "); ok && (name == result.WindowAll || name == result.WindowSteady) {
		return true
	}
	return strings.Contains(sources, `"`+strings.TrimSuffix(key, " best")+`"`)
}

// Every metric, rule and window that weir has is in words, in both languages.
func TestDefinitions(t *testing.T) {
	names := slices.Collect(maps.Keys(metrics.Unsampled()))
	for _, e := range glossary {
		names = append(names, e.Name)
	}
	for _, name := range names {
		en, zh := English.Definition(name), Chinese.Definition(name)
		if en == "" || zh == "" || en == zh {
			t.Errorf("%s is defined as %q and %q", name, en, zh)
		}
	}
	for _, name := range metrics.RuleNames {
		if English.rule(name) == name || Chinese.rule(name) == English.rule(name) {
			t.Errorf("the rule %s is not in words", name)
		}
	}
	if got := Chinese.rule("of another weir"); got != "of another weir" {
		t.Errorf("an unknown rule is called %q", got)
	}
	for _, window := range []string{result.WindowAll, result.WindowSteady} {
		if Chinese.T("window "+window) == "window "+window {
			t.Errorf("the window %s is not in words", window)
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
