package serving_test

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"weir/runtime/result"
	"weir/runtime/serving"
)

var update = flag.Bool("update", false, "write the golden files anew; read the difference before it is committed")

// pageOf is a target with a text.
func pageOf(text string) serving.Target {
	return serving.Target{URL: "http://server/metrics", Fetch: func(context.Context) ([]byte, error) { return []byte(text), nil }}
}

func scrape(t testing.TB, text string) *serving.Snapshot {
	t.Helper()
	s, err := serving.Scrape(t.Context(), pageOf(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// samples finds the numbers of a page.
var samples = regexp.MustCompile(`(?m)^([^#\n].*) \S+$`)

// unused is a page as it was before anything happened: all its numbers are 0.
func unused(text string) string { return samples.ReplaceAllString(text, "$1 0") }

// rounded is a result as JSON's values, without the last digits, which a processor that
// fuses operations has other ones of.
func rounded(t *testing.T, found result.Server) any {
	t.Helper()
	text, err := json.Marshal(found)
	var v any
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	var round func(any) any
	round = func(v any) any {
		switch x := v.(type) {
		case map[string]any:
			for k := range x {
				x[k] = round(x[k])
			}
		case []any:
			for i := range x {
				x[i] = round(x[i])
			}
		case float64:
			return json.Number(strconv.FormatFloat(x, 'g', 9, 64))
		}
		return v
	}
	return round(v)
}

// What is read of the pages of all servers.
func TestPages(t *testing.T) {
	const folder = "../../testdata/server-metrics/"
	paths, err := filepath.Glob(folder + "*.prom")
	if err != nil || len(paths) < 12 {
		t.Fatalf("%d pages: %v", len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		now := scrape(t, string(text))
		if len(now.Unread) > 0 {
			t.Errorf("%s: unread %q", path, now.Unread)
		}
		found := serving.Compare(scrape(t, unused(string(text))), now, []*serving.Snapshot{now.Slim()}, nil)
		found.Window = nil
		got, err := json.MarshalIndent(rounded(t, found), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden := strings.TrimSuffix(path, ".prom") + ".golden.json"
		if *update {
			if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(string(want)) != string(got) {
			t.Errorf("%s:\n%s\nwant\n%s", path, got, want)
		}
	}
}
