package doctor_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every check that the code has is a heading of docs/doctor.md, and every heading there
// a check.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^### (.+)$`).FindAllStringSubmatch(string(page), -1) {
		documented[m[1]] = true
	}
	made := map[string]bool{}
	name := regexp.MustCompile(`Check\{Of\w+, "([^"]+)"\}|\bof\("([^"]+)"\)`)
	for _, pattern := range []string{"*.go", "../../modules/llm/checkup/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, m := range name.FindAllStringSubmatch(string(text), -1) {
				made[m[1]+m[2]] = true
			}
		}
	}
	if len(made) < 30 {
		t.Errorf("only %d checks were found in the code", len(made))
	}
	for check := range made {
		if !documented[check] {
			t.Errorf("%s is not in docs/doctor.md", check)
		}
	}
	for check := range documented {
		if !made[check] {
			t.Errorf("docs/doctor.md has %s, which no code makes", check)
		}
	}
}
