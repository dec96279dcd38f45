package reader_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"weir/modules/dataset/reader"
)

// seeds are the samples of some formats.
func seeds(f *testing.F, folders ...string) {
	f.Helper()
	for _, folder := range folders {
		for _, pattern := range []string{"*", "*.d/*"} {
			all, err := filepath.Glob(filepath.Join(samples, folder, pattern))
			if err != nil {
				f.Fatal(err)
			}
			for _, path := range all {
				if info, err := os.Stat(path); err != nil || info.IsDir() || strings.HasSuffix(path, ".golden") || strings.HasSuffix(path, ".options") {
					continue
				}
				content, err := os.ReadFile(path)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(content)
			}
		}
	}
}

// fuzz reads any file as what it is found to be, and as each of some formats. Any
// may end in an error; none panics, goes on for ever, or gives a row that breaks
// what Row promises.
func fuzz(f *testing.F, name string, formats ...string) {
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, format := range append([]string{""}, formats...) {
			for _, o := range []reader.Options{{Format: format}, {Format: format, FirstExchange: true}, {Format: format, InputOnly: true}, {Format: format, BlockSize: 16}} {
				file, err := reader.Open(t.Context(), path, o)
				if err != nil {
					continue
				}
				readRows(t, file, path, content)
			}
		}
	})
}

func readRows(t *testing.T, file *reader.File, path string, content []byte) {
	t.Helper()
	defer file.Close()
	var row reader.Row
	rows := 0
	for {
		err := file.Next(&row)
		if err != nil {
			if err != io.EOF && !strings.Contains(err.Error(), path) {
				t.Errorf("the error does not name the file: %v", err)
			}
			break
		}
		rows++
		check(t, &row)
	}
	if rows != file.Rows() {
		t.Errorf("%d rows, but Rows() is %d", rows, file.Rows())
	}
	lines := bytes.Count(content, []byte("\n")) + 1
	for _, r := range file.Rejected() {
		if r.Count < len(r.First) || len(r.First) == 0 || len(r.First) > 3 || r.Reason == "" {
			t.Errorf("rejected: %+v", r)
		}
		for _, one := range r.First {
			if one.Line < 1 || len([]rune(one.Text)) > 120 || !utf8.ValidString(one.Text) {
				t.Errorf("%s: %+v in a file of %d lines", r.Reason, one, lines)
			}
		}
	}
}

// check holds a row against what Row promises.
func check(t *testing.T, row *reader.Row) {
	t.Helper()
	for _, text := range []string{row.System, row.Prompt, row.Output, row.Session, row.Model, row.Kind} {
		if !utf8.ValidString(text) {
			t.Errorf("not UTF-8: %q", text)
		}
	}
	switch {
	case row.Line < 1 || row.Path == "":
		t.Errorf("no place: %+v", row)
	case row.Prompt == "" && row.PromptTokens == 0 && row.Messages == nil && row.System == "" && row.Output == "":
		t.Errorf("nothing to send: %+v", row)
	case row.PromptTokens < 0 || row.OutputTokens < 0 || row.At < 0 || row.Delay < 0 || row.Turn < 0:
		t.Errorf("negative: %+v", row)
	case len(row.HashIDs) > 0 && (row.BlockSize <= 0 || row.PromptTokens <= (len(row.HashIDs)-1)*row.BlockSize):
		t.Errorf("%d ids of %d tokens for %d tokens", len(row.HashIDs), row.BlockSize, row.PromptTokens)
	case !row.Timed && row.At != 0, !row.HasDelay && row.Delay != 0:
		t.Errorf("a time that is not known: %+v", row)
	case row.Messages != nil && !jsontext.Value(row.Messages).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)):
		t.Errorf("messages that are no JSON: %s", row.Messages)
	case row.Turns != nil && (len(row.Turns) < 2 || row.Turns[0].Text != row.Prompt || row.Turns[1].Text != row.Output):
		t.Errorf("turns that do not begin with prompt and output: %+v", row)
	}
}

func FuzzConversations(f *testing.F) {
	seeds(f, "sharegpt", "moss", "openai")
	fuzz(f, "a.json", "sharegpt", "moss", "openai")
}

func FuzzPrompts(f *testing.F) {
	seeds(f, "alpaca", "custom", "vllm-custom", "human-eval", "fixed", "broken")
	fuzz(f, "a.json", "alpaca", "custom", "vllm-custom", "human-eval")
}

func FuzzTables(f *testing.F) {
	seeds(f, "csv", "burstgpt", "azure", "text")
	fuzz(f, "a.txt", "csv", "burstgpt", "azure", "text")
}

func FuzzTraces(f *testing.F) {
	seeds(f, "mooncake", "bailian", "weka", "weir")
	fuzz(f, "a.jsonl", "mooncake", "bailian", "weka", "weir")
}
