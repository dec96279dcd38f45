package reader

import (
	"slices"
	"strings"
	"time"

	"weir/runtime/suggest"
)

// Options say how a file is to be understood. The zero value finds everything out.
type Options struct {
	// Format is the name of one of Formats; "" or "auto": it is found out from the
	// content.
	Format string
	// InputOnly is for Alpaca: the prompt is "input" alone, as benchmark_serving.py has
	// it. Otherwise it is the instruction and the input, those that are not empty,
	// with a line break between them, as ModelLink has it.
	InputOnly bool
	// FirstExchange is for ShareGPT: the first two turns of a conversation alone,
	// whatever their roles are and whatever follows, as benchmark_serving.py and vLLM
	// have it. Otherwise whole conversations, whose roles must take turns.
	FirstExchange bool
	// Fields are for the formats csv and custom: names of the columns or members that
	// stand for one of Meanings.
	Fields map[string]string
	// TimeUnit is that of timestamps that are numbers; 0: the format's own.
	TimeUnit time.Duration
	// BlockSize is how many tokens a hash id of a trace stands for, where the file does
	// not say it; 0: the format's own.
	BlockSize int
	// Length chooses the file <Length>.json of a folder of prompts of fixed lengths.
	Length int
	// Found is asked before a file of a folder is read; its error refuses it. nil: all are.
	Found func(path string) error
}

// Meanings are what Options.Fields can name.
var Meanings = []string{"prompt", "output", "system", "output_tokens", "prompt_tokens", "timestamp", "session", "delay"}

func (o *Options) check() error {
	if o.Format == "auto" {
		o.Format = ""
	}
	if o.Format != "" && named(o.Format) == nil {
		hint := "the formats are " + strings.Join(formatNames(), ", ")
		if near := suggest.Nearest(o.Format, formatNames()); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
		return wrong(hint, "%q is no format of datasets or traces", o.Format)
	}
	for meaning := range o.Fields {
		if !slices.Contains(Meanings, meaning) {
			return wrong("fields can name what stands for "+strings.Join(Meanings, ", "), "fields: %q is unknown", meaning)
		}
	}
	if o.TimeUnit < 0 || o.BlockSize < 0 || o.Length < 0 {
		return wrong("", "the time unit, the block size and the length must not be negative")
	}
	return nil
}

// particular are the options that only some formats have (format.takes).
var particular = []struct {
	name  string
	given func(*Options) bool
	is    string
}{
	{"inputOnly", func(o *Options) bool { return o.InputOnly }, "makes Alpaca's input alone the prompt"},
	{"firstExchange", func(o *Options) bool { return o.FirstExchange }, "takes the first two turns of ShareGPT's conversations alone"},
	{"fields", func(o *Options) bool { return len(o.Fields) > 0 }, "names columns of csv, or members of custom"},
	{"timeUnit", func(o *Options) bool { return o.TimeUnit > 0 }, "is the unit of times"},
	{"blockSize", func(o *Options) bool { return o.BlockSize > 0 }, "is how many tokens a hash id of a trace stands for"},
}

// useless refuses options that do nothing for the format.
func (f *File) useless(path string) error {
	for _, s := range particular {
		if s.given(&f.options) && !slices.Contains(f.format.takes, s.name) {
			return f.noUse(path, s.name, s.is)
		}
	}
	if f.format.Name == "custom" && f.options.TimeUnit > 0 && f.options.Fields["timestamp"] == "" && f.options.Fields["delay"] == "" {
		return f.noUse(path, "timeUnit", "is the unit of times, and fields name neither a timestamp nor a delay")
	}
	return nil
}

func (f *File) noUse(path, option, is string) error {
	return wrong("leave "+option+" out, or name another format", "%s: the format is %s (%s), for which %s does nothing: it %s", path, f.format.Name, f.why, option, is)
}
