package result

// Server is what the page of metrics of an inference server says of a case: the
// difference of what it said just after the load and just before it, and what was
// seen of its gauges in between, beside the client's view. Fields that are absent in
// JSON the server does not tell. docs/server-metrics.md has the names and formulas.
type Server struct {
	URL       string   `json:"url"`            // of the page
	Kind      string   `json:"kind,omitempty"` // "vllm", "sglang", …
	Models    []string `json:"models,omitempty"`
	Engines   int      `json:"engines,omitempty"`  // engines, ranks or models of the page, whose numbers are together here
	Window    *float64 `json:"window_s,omitempty"` // between the two pages, seconds
	Polls     int64    `json:"polls"`              // pages in between
	Restarted bool     `json:"restarted,omitempty"`

	// Gauges are what was seen between the two pages, by name such as "running".
	Gauges map[string]ValueStat `json:"gauges,omitempty"`

	Requests         *ServerRequests `json:"requests,omitempty"`
	PromptTokens     *ServerTokens   `json:"prompt_tokens,omitempty"`
	GenerationTokens *ServerTokens   `json:"generation_tokens,omitempty"`
	PrefixCache      *HitRate        `json:"prefix_cache,omitempty"`
	Preemptions      *float64        `json:"preemptions,omitempty"`
	Speculative      *Speculative    `json:"speculative,omitempty"`

	// Times are the server's own: "ttft", "itl", "tpot", "e2el", "queue", "prefill",
	// "decode", "inference", ms.
	Times map[string]*ServerTime `json:"times_ms,omitempty"`

	TTFT  *TTFTParts `json:"ttft_parts,omitempty"`
	Notes []string   `json:"notes,omitempty"`
	Error string     `json:"error,omitempty"` // why there is nothing, or not all of it
}

// ServerRequests are the requests of the window, as the server counts them.
type ServerRequests struct {
	Received *float64           `json:"received,omitempty"`
	Finished *float64           `json:"finished,omitempty"`
	Failed   *float64           `json:"failed,omitempty"`
	Reasons  map[string]float64 `json:"finish_reasons,omitempty"` // of Finished
	Client   *int64             `json:"client,omitempty"`         // requests that the client saw end
}

// ServerTokens are tokens of the window.
type ServerTokens struct {
	Tokens    float64  `json:"tokens"`
	PerSecond *float64 `json:"per_second,omitempty"` // over the case's duration, as the client's throughput
	Client    *float64 `json:"client,omitempty"`     // of the requests that completed, as the client counts them
}

// HitRate is the use of a cache.
type HitRate struct {
	Queries *float64 `json:"queries,omitempty"` // tokens; nil: the server tells the rate alone
	Hits    *float64 `json:"hits,omitempty"`
	Rate    *float64 `json:"rate,omitempty"` // 0…1; nil: there were no queries
}

// Speculative is what became of draft tokens.
type Speculative struct {
	Drafts      *float64  `json:"drafts,omitempty"`
	DraftTokens *float64  `json:"draft_tokens,omitempty"`
	Accepted    *float64  `json:"accepted_tokens,omitempty"`
	Rate        *float64  `json:"acceptance_rate,omitempty"` // accepted / draft tokens, 0…1
	Length      *float64  `json:"mean_length,omitempty"`     // tokens a step: 1 + accepted / drafts
	PerPosition []float64 `json:"per_position,omitempty"`    // acceptance rate by the place in the draft
}

// ServerTime is a time that the server measures itself, ms. It has no percentiles
// where the server gives totals only.
type ServerTime struct {
	N   *float64  `json:"n,omitempty"`
	Sum float64   `json:"sum"`
	Avg *float64  `json:"avg,omitempty"`
	P50 *Estimate `json:"p50,omitempty"`
	P90 *Estimate `json:"p90,omitempty"`
	P95 *Estimate `json:"p95,omitempty"`
	P99 *Estimate `json:"p99,omitempty"`
}

// Estimate is a percentile that was interpolated in a histogram's bucket: the true
// one is between Low and High.
type Estimate struct {
	Value float64  `json:"value"` // of the open last bucket: Low
	Low   float64  `json:"low"`
	High  *float64 `json:"high"` // null: of the open last bucket
}

// TTFTParts is what the mean time to first token was made of, ms. Means may be
// subtracted from each other; percentiles may not.
type TTFTParts struct {
	Client   float64  `json:"client"`              // the client's mean
	Server   *float64 `json:"server,omitempty"`    // the server's
	Queue    *float64 `json:"queue,omitempty"`     // waited for the engine
	Prefill  *float64 `json:"prefill,omitempty"`   // computed the prompt
	FrontEnd *float64 `json:"front_end,omitempty"` // Server − Queue − Prefill: tokenizing, passing on
	Rest     *float64 `json:"rest,omitempty"`      // Client − Server, or without that − (Queue + Prefill), or − Prefill: the network, proxies, and the client
	RestOf   string   `json:"rest_of,omitempty"`   // "server", "queue+prefill" or "prefill": what was subtracted from Client
}
