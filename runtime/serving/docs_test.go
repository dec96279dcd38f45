package serving_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every name that is read is in the documentation.
func TestNamesAreDocumented(t *testing.T) {
	tables, err := os.ReadFile("tables.go")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../docs/server-metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	for _, list := range regexp.MustCompile(`(?:from|per): \[\]string\{("[^\n]*?")\}`).FindAllSubmatch(tables, -1) {
		for _, name := range regexp.MustCompile(`"([^"]+)"`).FindAllSubmatch(list[1], -1) {
			names++
			if !strings.Contains(string(doc), "`"+string(name[1])+"`") {
				t.Errorf("docs/server-metrics.md lacks %s", name[1])
			}
		}
	}
	if names < 100 {
		t.Errorf("only %d names were found", names)
	}
}
