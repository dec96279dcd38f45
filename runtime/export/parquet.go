package export

import (
	"fmt"
	"io"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// Bounds of the memory that writing takes, whatever the length of the run.
const (
	batchRows      = 256       // that are handed to the columns at once …
	batchBytes     = 4 << 20   // … or fewer, with that many bytes of values
	groupBytes     = 16 << 20  // of values, not yet encoded, after which a row group is complete
	groupRows      = 1_000_000 // rows after which it is
	dictionaryMost = 1 << 20   // bytes of different texts in a column of a row group; from then on they are written as they are
	rowBytes       = 512       // of a row without its lists, about
)

// row is a request as a row: the fields of [result.Request] under their names, and what
// is computed from them. What is not known is null. docs/files.md describes the columns.
type row struct {
	Case       int               `parquet:"case"`
	CaseName   string            `parquet:"case_name,dict"`
	Scenario   string            `parquet:"scenario,dict"`
	Iteration  int               `parquet:"iteration"`
	VU         int               `parquet:"vu"`
	Kind       string            `parquet:"kind,dict"`
	Tags       map[string]string `parquet:"tags,optional" parquet-key:",dict" parquet-value:",dict"`
	KeptEvery  int64             `parquet:"kept_every,dict"`
	TTFT       *float64          `parquet:"ttft_ms,optional"`
	TPOT       *float64          `parquet:"tpot_ms,optional"`
	E2EL       *float64          `parquet:"e2el_ms,optional"`
	StartedAt  *int64            `parquet:"started_at,timestamp(nanosecond:utc)"`
	ScheduleAt *int64            `parquet:"scheduled_at,timestamp(nanosecond:utc)"`
	EndedAt    *int64            `parquet:"ended_at,timestamp(nanosecond:utc)"`
	Scheduled  *int64            `parquet:"scheduled_us,optional"`
	Sent       *int64            `parquet:"sent_us,optional"`
	Head       *int64            `parquet:"head_us,optional"`
	Output     *int64            `parquet:"first_output_us,optional"`
	End        *int64            `parquet:"end_us,optional"`
	DNS        int64             `parquet:"dns_us,optional"`
	Connect    int64             `parquet:"connect_us,optional"`
	TLS        int64             `parquet:"tls_us,optional"`
	Prefill    int64             `parquet:"prefill_wait_us,optional"`

	Later       bool  `parquet:"later"`
	Reused      bool  `parquet:"reused"`
	Retried     bool  `parquet:"retried"`
	Resent      bool  `parquet:"resent"`
	Retransmits int   `parquet:"retransmits"`
	BytesOut    int64 `parquet:"bytes_out"`
	BytesIn     int64 `parquet:"bytes_in"`

	Model           string `parquet:"model,optional,dict"`
	Host            string `parquet:"host,optional,dict"`
	Status          int    `parquet:"status,optional"`
	ErrorKind       string `parquet:"error_kind,optional,dict"`
	ErrorMessage    string `parquet:"error_message,optional,dict"`
	FinishReason    string `parquet:"finish_reason,optional,dict"`
	InputTokens     *int64 `parquet:"input_tokens,optional"`
	InputSource     string `parquet:"input_tokens_source,optional,dict"`
	OutputTokens    *int64 `parquet:"output_tokens,optional"`
	OutputSource    string `parquet:"output_tokens_source,optional,dict"`
	ReasoningTokens *int64 `parquet:"reasoning_tokens,optional"`
	ReasoningSource string `parquet:"reasoning_tokens_source,optional,dict"`
	CachedTokens    *int64 `parquet:"cached_tokens,optional"`
	CachedSource    string `parquet:"cached_tokens_source,optional,dict"`

	Stamp     string  `parquet:"stamp,dict"`
	TokenGaps []int64 `parquet:"token_gaps_us,optional,list"`
	Tokens    []int   `parquet:"tokens,optional,list"`
	ReadLags  []int64 `parquet:"read_lags_us,optional,list"`
	Shared    []int   `parquet:"shared,optional,list"`
	ReadLate  []int   `parquet:"read_late,optional,list"`
	Unseen    []int   `parquet:"unseen,optional,list"`
}

// Parquet writes the requests of a run as a Parquet file, one row each. When their own
// file cannot be read to its end, it has those that can be, and the error says so.
func Parquet(run *result.Run, path string) error {
	var rows int64
	var unread error
	err := result.ReplaceFileBy(path, 0o644, func(to io.Writer) (err error) {
		rows, unread, err = writeParquet(to, run)
		if err == nil && rows == 0 {
			err = noRows(run, unread)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case unread != nil:
		return fmt.Errorf("%w; %s has the %d requests before that", unread, path, rows)
	}
	return nil
}

// noRows is why there is no row, when there should be some.
func noRows(run *result.Run, unread error) error {
	if unread != nil {
		return unread
	}
	var requests int64
	for _, c := range run.Result.Cases {
		requests += c.Counts.Requests
	}
	if requests == 0 {
		return nil
	}
	return fmt.Errorf("the run had %d requests, and neither %s nor %s is in %s\n  hint: they are written by weir run; with --records, all of them", requests, result.RecordsName, result.RequestsName, run.Dir)
}

// writeParquet writes the rows. unread is why there are not more of them.
func writeParquet(to io.Writer, run *result.Run) (rows int64, unread, err error) {
	w := parquet.NewGenericWriter[row](to,
		parquet.DefaultEncodingFor(parquet.Int64, &parquet.DeltaBinaryPacked), // what counts up or lies close together
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}),
		parquet.MaxRowsPerRowGroup(groupRows),
		parquet.DictionaryMaxBytes(dictionaryMost),
		parquet.CreatedBy("weir", run.Result.Weir.Version, run.Result.Weir.Commit),
		parquet.KeyValueMetadata("weir.script", run.Result.Script.Name),
		parquet.KeyValueMetadata("weir.started", run.Result.Started.UTC().Format(time.RFC3339Nano)),
		parquet.KeyValueMetadata("weir.verdict", string(run.Result.Verdict)),
	)
	batch := make([]row, 0, batchRows)
	bytes, group := 0, 0 // of the batch, of the row group before it
	hand := func() error {
		n, err := w.Write(batch)
		rows += int64(n)
		clear(batch)
		batch = batch[:0]
		group, bytes = group+bytes, 0
		if err == nil && group >= groupBytes {
			group = 0
			err = w.Flush()
		}
		return err
	}
	for q, err := range run.Requests() {
		if err != nil {
			unread = err
			break
		}
		batch = append(batch, rowOf(q, run.Result))
		bytes += rowBytes + 8*(len(q.TokenGaps)+len(q.Tokens)+len(q.ReadLags)+len(q.Shared)+len(q.ReadLate)+len(q.Unseen))
		if len(batch) == batchRows || bytes >= batchBytes {
			if err := hand(); err != nil {
				return rows, unread, err
			}
		}
	}
	if err := hand(); err != nil {
		return rows, unread, err
	}
	return rows, unread, w.Close()
}

func rowOf(q *result.Request, r *result.Result) row {
	to := row{
		Case: q.Case, CaseName: q.CaseName, Scenario: q.Scenario, Iteration: q.Iteration, VU: q.VU, Kind: q.Kind, Tags: q.Tags,
		KeptEvery: keptEvery(q, r),
		StartedAt: moment(q.Started), ScheduleAt: moment(q.ScheduledAt), EndedAt: moment(q.EndedAt),
		Scheduled: q.Scheduled, Sent: q.Sent, Head: q.Head, Output: q.Output, End: q.End,
		DNS: q.DNS, Connect: q.Connect, TLS: q.TLS, Prefill: q.PrefillWait,
		Later: q.Later, Reused: q.Reused, Retried: q.Retried, Resent: q.Resent, Retransmits: q.Retransmits, BytesOut: q.BytesOut, BytesIn: q.BytesIn,
		Model: q.Model, Host: q.Host, Status: q.Status, FinishReason: q.FinishReason,
		Stamp: q.Stamp, TokenGaps: q.TokenGaps, Tokens: q.Tokens, ReadLags: q.ReadLags, Shared: q.Shared, ReadLate: q.ReadLate, Unseen: q.Unseen,
	}
	if q.Error != nil {
		to.ErrorKind, to.ErrorMessage = q.Error.Kind, q.Error.Message
	}
	to.InputTokens, to.InputSource = tokens(q.InputTokens)
	to.OutputTokens, to.OutputSource = tokens(q.OutputTokens)
	to.ReasoningTokens, to.ReasoningSource = tokens(q.Reasoning)
	to.CachedTokens, to.CachedSource = tokens(q.Cached)
	if q.Error == nil { // as in the metrics of a case, those that completed have latencies
		rec := metrics.Restore(q)
		to.TTFT, to.TPOT, to.E2EL = milliseconds(rec.TTFT()), milliseconds(rec.TPOT()), milliseconds(rec.E2EL())
	}
	return to
}

// keptEvery is of how many requests of its case this one was kept.
func keptEvery(q *result.Request, r *result.Result) int64 {
	if i := q.Case - 1; i >= 0 && i < len(r.Cases) && r.Cases[i].Kept != nil {
		return max(r.Cases[i].Kept.Every, 1)
	}
	return 1
}

// moment is a time of the wall clock; null: it did not come.
func moment(ns int64) *int64 {
	if ns == 0 {
		return nil
	}
	return &ns
}

func tokens(c *result.TokenCount) (*int64, string) {
	if c == nil {
		return nil, ""
	}
	return new(int64(c.N)), c.Source
}

func milliseconds(d time.Duration, ok bool) *float64 {
	if !ok {
		return nil
	}
	return new(float64(d) / float64(time.Millisecond))
}
