package tokenizer

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// EncodeBatch is Encode for many texts, on all cores. The first error ends it,
// and so does ctx.
func (t *Tokenizer) EncodeBatch(ctx context.Context, texts []string, special bool) ([][]int, error) {
	out := make([][]int, len(texts))
	err := each(ctx, "text", len(texts), func(ctx context.Context, i int) error {
		ids, err := t.encode(ctx, texts[i], special)
		out[i] = ints(ids)
		return err
	})
	return out, err
}

// CountBatch returns the number of tokens of many texts, with or without the
// special tokens that Encode can add around each, on all cores.
func (t *Tokenizer) CountBatch(ctx context.Context, texts []string, special bool) ([]int, error) {
	out := make([]int, len(texts))
	err := each(ctx, "text", len(texts), func(ctx context.Context, i int) error {
		ids, err := t.encode(ctx, texts[i], special)
		out[i] = len(ids)
		return err
	})
	return out, err
}

// DecodeBatch is Decode for many lists of ids, on all cores; skipSpecial leaves
// special tokens out.
func (t *Tokenizer) DecodeBatch(ctx context.Context, lists [][]int, skipSpecial bool) ([]string, error) {
	out := make([]string, len(lists))
	err := each(ctx, "list", len(lists), func(_ context.Context, i int) error {
		text, err := t.decode(lists[i], skipSpecial)
		out[i] = text
		return err
	})
	return out, err
}

// each does work for the numbers 0 to n-1 on as many goroutines as there are
// cores. An error names the number of its thing.
func each(ctx context.Context, thing string, n int, work func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := work(ctx, i); err != nil {
					cancel(fmt.Errorf("%s %d of %d: %w", thing, i, n, err))
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}
