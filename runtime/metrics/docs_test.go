package metrics_test

import (
	"os"
	"strings"
	"testing"

	"weir/runtime/metrics"
)

// Every metric and every validity rule is in the documentation.
func TestDocumented(t *testing.T) {
	read := func(name string) string {
		data, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	text := read("metrics.md")
	for name := range metrics.Unsampled() {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("docs/metrics.md does not define %s", name)
		}
	}
	text = read("validity.md")
	for _, rule := range metrics.RuleNames {
		if !strings.Contains(text, "\n### "+rule+"\n") {
			t.Errorf("docs/validity.md does not explain %s", rule)
		}
	}
}
