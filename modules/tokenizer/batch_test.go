package tokenizer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestBatch(t *testing.T) {
	tok := load(t, withBOS)
	ctx := context.Background()
	var texts []string
	var lists [][]int
	for i := range 500 {
		texts = append(texts, strings.Repeat("hello world! ", i%7))
	}
	for _, special := range []bool{true, false} {
		ids, err := tok.EncodeBatch(ctx, texts, special)
		if err != nil {
			t.Fatal(err)
		}
		counts, err := tok.CountBatch(ctx, texts, special)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range texts {
			want, _ := tok.Encode(text, special)
			if !slices.Equal(ids[i], want) || counts[i] != len(want) {
				t.Errorf("text %d: %v and %d, want %v", i, ids[i], counts[i], want)
			}
		}
		lists = ids
	}
	decoded, err := tok.DecodeBatch(ctx, lists, false)
	if err != nil {
		t.Fatal(err)
	}
	for i, list := range lists {
		if want, _ := tok.Decode(list); decoded[i] != want {
			t.Errorf("list %d: %q, want %q", i, decoded[i], want)
		}
	}
	if got, err := tok.DecodeBatch(ctx, [][]int{{4, 1}}, true); err != nil || !slices.Equal(got, []string{"hello"}) {
		t.Errorf("without special tokens: %q, %v", got, err)
	}
	if _, err := tok.DecodeBatch(ctx, [][]int{{1}, {9}}, false); err == nil || !strings.Contains(err.Error(), "list 1 of 2") {
		t.Errorf("an unknown id: error %v", err)
	}
}

// A context ends a batch, and the wait for a long text.
func TestContextEndsEncoding(t *testing.T) {
	tok := builtin(t)
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(reason)
	if _, err := tok.EncodeBatch(ctx, []string{"a"}, true); !errors.Is(err, reason) {
		t.Errorf("EncodeBatch: error %v, want the context's", err)
	}

	ctx, cancel = context.WithCancelCause(context.Background())
	texts := make([]string, 100)
	for i := range texts {
		texts[i] = strings.Repeat(fmt.Sprint(i), 1<<20)
	}
	done := make(chan error)
	go func() {
		_, err := tok.CountBatch(ctx, texts, true)
		done <- err
	}()
	cancel(reason)
	if err := <-done; !errors.Is(err, reason) {
		t.Errorf("CountBatch: error %v, want the context's", err)
	}
	if err := tok.Close(); err != nil { // does not wait for what is still encoded
		t.Error(err)
	}
}

// Long texts without a blank take time in proportion to their length: this one
// would take hours if it took its square.
func TestLongTexts(t *testing.T) {
	tok := builtin(t)
	for _, unit := range []string{"a", "水", " ", "\n"} {
		text := strings.Repeat(unit, (10<<20)/len(unit)/8)
		ids, err := tok.Encode(text, true)
		if err != nil || len(ids) == 0 {
			t.Fatalf("%d of %q: %v", len(text), unit, err)
		}
		if got, err := tok.Decode(ids); err != nil || got != text {
			t.Errorf("%d bytes of %q do not come back: %v", len(text), unit, err)
		}
	}
}
