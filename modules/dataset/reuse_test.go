package dataset_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/modules/dataset"
)

func TestReuse(t *testing.T) {
	row := func(at, tokens int, ids string) string {
		return fmt.Sprintf(`{"timestamp": %d, "input_length": %d, "output_length": 1, "hash_ids": [%s]}`, at, tokens, ids)
	}
	for name, test := range map[string]struct {
		rows []string
		want dataset.Reuse
		no   bool
	}{
		"none before":                           {rows: []string{row(0, 1000, "1,2")}, want: dataset.Reuse{PromptTokens: 1000}},
		"the start":                             {rows: []string{row(0, 1000, "1,2"), row(1, 1500, "1,2,3")}, want: dataset.Reuse{PromptTokens: 2500, CachedTokens: 1000}},
		"all but the last token":                {rows: []string{row(0, 1000, "1,2"), row(1, 1000, "1,2")}, want: dataset.Reuse{PromptTokens: 2000, CachedTokens: 999}},
		"not behind another block":              {rows: []string{row(0, 1000, "1,2"), row(1, 1000, "3,2")}, want: dataset.Reuse{PromptTokens: 2000}},
		"not in another place":                  {rows: []string{row(0, 1000, "1,2"), row(1, 1000, "2,1")}, want: dataset.Reuse{PromptTokens: 2000}},
		"of each of two":                        {rows: []string{row(0, 1000, "1,2"), row(1, 1000, "1,3"), row(2, 2000, "1,3,4,5")}, want: dataset.Reuse{PromptTokens: 4000, CachedTokens: 512 + 1000}},
		"in the order of their times":           {rows: []string{row(5, 1500, "1,2,3"), row(1, 600, "1,2")}, want: dataset.Reuse{PromptTokens: 2100, CachedTokens: 600}},
		"prompts without ids are there":         {rows: []string{row(0, 512, "1"), `{"timestamp": 1, "input_length": 100, "output_length": 1}`, row(2, 600, "1,2")}, want: dataset.Reuse{PromptTokens: 1212, CachedTokens: 512}},
		"as much as there was of a short block": {rows: []string{row(0, 600, "1,2"), row(1, 1500, "1,2,3"), row(2, 1030, "1,2,3")}, want: dataset.Reuse{PromptTokens: 3130, CachedTokens: 600 + 1029}},
		"no ids at all":                         {rows: []string{`{"timestamp": 1, "input_length": 100, "output_length": 1}`}, no: true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "trace.jsonl")
			if err := os.WriteFile(path, []byte(strings.Join(test.rows, "\n")), 0o600); err != nil {
				t.Fatal(err)
			}
			d, err := dataset.Reading{Path: path, NoPrompts: true}.Read(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := d.Reuse(); ok == test.no || ok && got != test.want {
				t.Errorf("got %+v, %v; want %+v", got, ok, test.want)
			}
		})
	}
}
