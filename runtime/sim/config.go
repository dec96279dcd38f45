package sim

import (
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Config describes a simulated service. [Default] gives a usable one; the zero
// value of most fields means "none" and is not a default.
type Config struct {
	// Addr is the TCP address to listen on; port 0 takes a free one.
	Addr string
	// Model is the name that /v1/models and /metrics show. Requests may name any
	// model; answers carry the name from the request.
	Model string
	// Speaks are the protocols that the service speaks, by names from [Protocols];
	// others answer 404. Empty: all but mindie-vllm, mindie-tgi and mindie-triton,
	// which have the paths of vllm, tgi and triton.
	Speaks []string
	// Delimiter ends the values of vllm: "nul" (vLLM until 0.6) or "newline".
	Delimiter string

	// TTFT is the time to the first token of an empty prompt.
	TTFT time.Duration
	// PrefillRate is the speed of reading prompts, tokens per second; 0 means
	// that prompts cost nothing.
	PrefillRate float64
	// ITL is the time of one decode step for an empty batch.
	ITL time.Duration
	// ITLSlope is added to every decode step for each running sequence.
	ITLSlope time.Duration
	// Jitter is the largest deviation of an interval from the model, as a share
	// of it, 0…1.
	Jitter float64
	// MaxBatch is the number of sequences that run at the same time, at least 1.
	// Further requests wait in order of arrival.
	MaxBatch int

	// TokensPerEvent is the least number of tokens that share one event after
	// the first, which always has the tokens of one step (vLLM's
	// --stream-interval). An event is sent when its last token is made.
	TokensPerEvent int
	// DraftTokens is the number of tokens that a speculative decoder proposes in
	// each step; the accepted ones come out of the same step. 0: no speculation.
	DraftTokens int
	// AcceptRate is the probability that a proposed token is accepted, given
	// that the one before it was, 0…1.
	AcceptRate float64

	// EarlyStop is the probability that a reply ends by itself, at a random
	// length, before it has as many tokens as asked, 0…1. It does not apply to
	// requests with ignore_eos.
	EarlyStop float64
	// DefaultTokens is the length of a reply whose request does not limit it.
	DefaultTokens int
	// ReasoningTokens is the number of tokens at the head of a chat reply that
	// are sent as reasoning.
	ReasoningTokens int
	// ReasoningField is the name of the field that carries reasoning:
	// "reasoning" (newer vLLM) or "reasoning_content" (older vLLM, SGLang, MindIE).
	ReasoningField string
	// FinishChunk sends the finish reason in a chunk of its own after the last
	// token, as llama.cpp does, instead of with the last token, as vLLM does.
	FinishChunk bool
	// SplitEvery is the number of tokens of which the last one is sent with an empty
	// text, as the first half of a character is; its text comes with the token
	// after it. The last token of a reply always has its text. 0: none; else at
	// least 2.
	SplitEvery int
	// EmbeddingSize is the number of dimensions of embeddings.
	EmbeddingSize int
	// MediaTokens is the number of prompt tokens that an image, audio or video
	// part of a chat message stands for.
	MediaTokens int
	// MaxModelLen is the largest sum of prompt and reply, tokens; requests that
	// want more are refused with status 400.
	MaxModelLen int
	// KVTokens is the size of the pretended KV cache, tokens: it scales the gauge
	// vllm:kv_cache_usage_perc, and is what the prefix cache can keep.
	KVTokens int
	// PrefixCache keeps prompts and replies, in blocks of BlockSize tokens: what is found
	// of the start of a later prompt costs no prefill, and answers tell how much it was,
	// where their protocol can. The batch takes none of its room.
	PrefixCache bool
	BlockSize   int

	// ServerTimes adds ttft, tpot and latency (ms) to the usage at the end of OpenAI's
	// streams, as services of AscendCloud-LLM do.
	ServerTimes bool

	// Fault is what goes wrong: a name from [Faults], or several separated by
	// commas of which one is drawn for each request.
	Fault string
	// FaultRate is the probability that a request meets Fault, 0…1.
	FaultRate float64
	// FaultAfter is the number of token events that a stream sends before a
	// fault in the middle of it strikes.
	FaultAfter int
	// TrickleDelay is the pause between two bytes of a stream with the fault "trickle".
	TrickleDelay time.Duration

	// ProfileDir is the folder that traces are written to when a profile is stopped; ""
	// has no profiler, and then /start_profile and /stop_profile answer 404.
	ProfileDir string
	// ProfileTime is how long the writing of a trace takes.
	ProfileTime time.Duration

	// Seed makes jitter, early stops, accepted drafts and faults reproducible:
	// the n-th request to a server meets the same ones in every run.
	Seed uint64
	// LogRequests is the number of requests that [Server.Log] remembers; older
	// ones are forgotten. 0 keeps none.
	LogRequests int
	// LogFile receives one JSON line for each request when it ends; lines are
	// appended. Empty: no file.
	LogFile string

	// CountTokens counts the tokens of a text; nil means [EstimateTokens]. It is
	// called from several goroutines.
	CountTokens func(string) int
	// Encode gives the tokens of a text, which a PrefixCache has to know; nil means
	// [EstimateIDs]. It is called from several goroutines.
	Encode func(string) []int
	// Vocabulary holds the tokens that replies are made of, as they stand in the
	// text, with their blanks; nil means a list of common English words.
	Vocabulary []string
}

// Default returns a service that looks like a small model on one accelerator.
func Default() Config {
	return Config{
		Addr:           "127.0.0.1:0",
		Model:          "sim",
		Delimiter:      "nul",
		TTFT:           30 * time.Millisecond,
		PrefillRate:    8000,
		ITL:            15 * time.Millisecond,
		ITLSlope:       100 * time.Microsecond,
		Jitter:         0.05,
		MaxBatch:       256,
		TokensPerEvent: 1,
		AcceptRate:     0.7,
		DefaultTokens:  128,
		ReasoningField: "reasoning",
		EmbeddingSize:  768,
		MediaTokens:    256,
		MaxModelLen:    32768,
		KVTokens:       262144,
		BlockSize:      16,
		FaultAfter:     3,
		TrickleDelay:   time.Millisecond,
		Seed:           1,
		LogRequests:    10000,
	}
}

// Validate reports every field that makes no sense, named as its flag.
func (c *Config) Validate() error {
	var errs []error
	complain := func(bad bool, name string, value any, want string) {
		if bad {
			errs = append(errs, fmt.Errorf("%s is %v: expected %s", name, value, want))
		}
	}
	share := func(name string, value float64) {
		complain(!(value >= 0 && value <= 1), name, value, "a number from 0 to 1")
	}
	atLeast := func(name string, value, least int) {
		complain(value < least, name, value, "at least "+strconv.Itoa(least))
	}
	notNegative := func(name string, value time.Duration) {
		complain(value < 0, name, value, "a duration that is not negative, such as 20ms")
	}

	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		errs = append(errs, fmt.Errorf("addr is %q: expected host:port, such as 127.0.0.1:8000: %w", c.Addr, err))
	}
	for _, name := range c.Speaks {
		complain(!slices.Contains(Protocols(), name), "speaks", strconv.Quote(name), "one of "+strings.Join(Protocols(), ", "))
	}
	for _, d := range spoken(c.Speaks) {
		for _, rival := range d.rivals {
			complain(slices.Contains(c.Speaks, rival), "speaks", d.name+" and "+rival, "one of them, as they have the same path")
		}
	}
	complain(delimiters[c.Delimiter] == "", "delimiter", strconv.Quote(c.Delimiter), "nul or newline")
	notNegative("ttft", c.TTFT)
	complain(!(c.PrefillRate >= 0) || math.IsInf(c.PrefillRate, 0), "prefill-rate", c.PrefillRate,
		"tokens per second, or 0 for prompts that cost nothing")
	notNegative("itl", c.ITL)
	notNegative("itl-slope", c.ITLSlope)
	share("jitter", c.Jitter)
	atLeast("max-batch", c.MaxBatch, 1)
	atLeast("tokens-per-event", c.TokensPerEvent, 1)
	atLeast("draft-tokens", c.DraftTokens, 0)
	share("accept-rate", c.AcceptRate)
	share("early-stop", c.EarlyStop)
	atLeast("default-tokens", c.DefaultTokens, 1)
	atLeast("reasoning-tokens", c.ReasoningTokens, 0)
	complain(c.ReasoningField != "reasoning" && c.ReasoningField != "reasoning_content", "reasoning-field",
		strconv.Quote(c.ReasoningField), "reasoning or reasoning_content")
	complain(c.SplitEvery < 0 || c.SplitEvery == 1, "split-every", c.SplitEvery, "0 for none, or at least 2")
	atLeast("embedding-size", c.EmbeddingSize, 1)
	atLeast("media-tokens", c.MediaTokens, 0)
	atLeast("max-model-len", c.MaxModelLen, 1)
	atLeast("kv-tokens", c.KVTokens, 1)
	atLeast("block-size", c.BlockSize, 1)
	complain(c.PrefixCache && c.BlockSize > c.KVTokens, "block-size", c.BlockSize, "no more than kv-tokens")
	complain(c.PrefixCache && c.CountTokens != nil && c.Encode == nil, "prefix-cache", c.PrefixCache, "Encode besides CountTokens")
	if _, err := parseFaults(c.Fault); err != nil {
		errs = append(errs, fmt.Errorf("fault: %w", err))
	}
	share("fault-rate", c.FaultRate)
	complain(c.FaultRate > 0 && c.Fault == "", "fault-rate", c.FaultRate, "a fault with it: "+strings.Join(Faults(), ", "))
	atLeast("fault-after", c.FaultAfter, 0)
	notNegative("trickle-delay", c.TrickleDelay)
	notNegative("profile-time", c.ProfileTime)
	atLeast("log-requests", c.LogRequests, 0)
	complain(c.Vocabulary != nil && len(c.Vocabulary) == 0, "vocabulary", "empty", "at least one word, or nil")
	return errors.Join(errs...)
}

// Flags registers a flag for every field that can be written on a command line,
// under prefix + its name. The values that c has now are the defaults.
func (c *Config) Flags(fs *pflag.FlagSet, prefix string) {
	name := func(s string) string { return prefix + s }
	fs.Var(&addrPart{addr: &c.Addr, host: true}, name("host"), "address to listen on")
	fs.Var(&addrPart{addr: &c.Addr}, name("port"), "port to listen on; 0 takes a free one")
	fs.StringVar(&c.Model, name("model"), c.Model, "name of the model that the service shows")
	fs.StringSliceVar(&c.Speaks, name("speaks"), c.Speaks, "protocols that the service speaks, of: "+strings.Join(Protocols(), ", ")+"; all but mindie-… when there is none")
	fs.StringVar(&c.Delimiter, name("delimiter"), c.Delimiter, "what ends a value of the protocol vllm: nul or newline")

	fs.DurationVar(&c.TTFT, name("ttft"), c.TTFT, "time to the first token of an empty prompt")
	fs.Float64Var(&c.PrefillRate, name("prefill-rate"), c.PrefillRate, "prompt tokens per second; 0: prompts cost nothing")
	fs.DurationVar(&c.ITL, name("itl"), c.ITL, "time of a decode step for an empty batch")
	fs.DurationVar(&c.ITLSlope, name("itl-slope"), c.ITLSlope, "added to a decode step for each running sequence")
	fs.Float64Var(&c.Jitter, name("jitter"), c.Jitter, "largest deviation from the model, as a share of the interval, 0 to 1")
	fs.IntVar(&c.MaxBatch, name("max-batch"), c.MaxBatch, "sequences that run at the same time; more have to queue")

	fs.IntVar(&c.TokensPerEvent, name("tokens-per-event"), c.TokensPerEvent, "tokens that share one event after the first")
	fs.IntVar(&c.DraftTokens, name("draft-tokens"), c.DraftTokens, "tokens proposed in each step by speculative decoding; 0: none")
	fs.Float64Var(&c.AcceptRate, name("accept-rate"), c.AcceptRate, "probability that a proposed token is accepted, 0 to 1")

	fs.Float64Var(&c.EarlyStop, name("early-stop"), c.EarlyStop, "probability that a reply without ignore_eos ends before its limit, 0 to 1")
	fs.IntVar(&c.DefaultTokens, name("default-tokens"), c.DefaultTokens, "length of a reply whose request gives no limit")
	fs.IntVar(&c.ReasoningTokens, name("reasoning-tokens"), c.ReasoningTokens, "tokens at the head of a chat reply that are sent as reasoning")
	fs.StringVar(&c.ReasoningField, name("reasoning-field"), c.ReasoningField, "field for reasoning: reasoning or reasoning_content")
	fs.BoolVar(&c.FinishChunk, name("finish-chunk"), c.FinishChunk, "send the finish reason in a chunk of its own")
	fs.IntVar(&c.SplitEvery, name("split-every"), c.SplitEvery, "every so many tokens one without a text, as of a character that is split; 0: none")
	fs.IntVar(&c.EmbeddingSize, name("embedding-size"), c.EmbeddingSize, "dimensions of embeddings")
	fs.IntVar(&c.MediaTokens, name("media-tokens"), c.MediaTokens, "prompt tokens of one image, audio or video")
	fs.IntVar(&c.MaxModelLen, name("max-model-len"), c.MaxModelLen, "largest sum of prompt and reply, tokens")
	fs.IntVar(&c.KVTokens, name("kv-tokens"), c.KVTokens, "size of the pretended KV cache, tokens")
	fs.BoolVar(&c.PrefixCache, name("prefix-cache"), c.PrefixCache, "keep that many tokens of prompts and replies: what is found again at the start of a prompt costs no prefill")
	fs.IntVar(&c.BlockSize, name("block-size"), c.BlockSize, "tokens in a block of the prefix cache, of which only whole ones are found")

	fs.BoolVar(&c.ServerTimes, name("server-times"), c.ServerTimes, "tell ttft, tpot and latency in the usage at the end of OpenAI's streams, as services of AscendCloud-LLM do")

	fs.StringVar(&c.Fault, name("fault"), c.Fault, "what goes wrong, one or several of: "+strings.Join(Faults(), ", "))
	fs.Float64Var(&c.FaultRate, name("fault-rate"), c.FaultRate, "probability that a request meets the fault, 0 to 1")
	fs.IntVar(&c.FaultAfter, name("fault-after"), c.FaultAfter, "token events before a fault in the middle of a stream")
	fs.DurationVar(&c.TrickleDelay, name("trickle-delay"), c.TrickleDelay, "pause between two bytes under the fault trickle")

	fs.StringVar(&c.ProfileDir, name("profile-dir"), c.ProfileDir, "`folder` for the traces of /start_profile and /stop_profile; without it these answer 404, as vLLM's do")
	fs.DurationVar(&c.ProfileTime, name("profile-time"), c.ProfileTime, "time that a trace takes to be written when a profile is stopped")

	fs.Uint64Var(&c.Seed, name("seed"), c.Seed, "seed of everything that is drawn")
	fs.IntVar(&c.LogRequests, name("log-requests"), c.LogRequests, "requests that are remembered in memory")
	fs.StringVar(&c.LogFile, name("log"), c.LogFile, "file for one JSON line per request: true send time of every event")
}

// addrPart is a flag for the host or the port of an address.
type addrPart struct {
	addr *string
	host bool
}

func (a *addrPart) String() string {
	if a.addr == nil {
		return ""
	}
	host, port, _ := net.SplitHostPort(*a.addr)
	if a.host {
		return host
	}
	return port
}

func (a *addrPart) Set(value string) error {
	host, port, _ := net.SplitHostPort(*a.addr)
	if a.host {
		host = strings.Trim(value, "[]")
	} else {
		if n, err := strconv.Atoi(value); err != nil || n < 0 || n > 65535 {
			return errors.New("expected a port from 0 to 65535")
		}
		port = value
	}
	*a.addr = net.JoinHostPort(host, port)
	return nil
}

func (a *addrPart) Type() string {
	if a.host {
		return "string"
	}
	return "int"
}
