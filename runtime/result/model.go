package result

import (
	"strconv"
	"strings"
	"time"
)

// Schema is the version of the model: it changes when a reader of the one before would
// misread a result.
const Schema = 1

// Result is one run: the content of result.json.
type Result struct {
	Schema      int            `json:"schema"` // [Schema]
	Weir        Version        `json:"weir"`
	Script      Script         `json:"script"`
	Params      map[string]any `json:"params"`                  // without secrets
	Chosen      map[string]any `json:"chosen,omitempty"`        // values that the script has given to params which left them open, such as a seed of -1
	Secrets     []string       `json:"secret_params,omitempty"` // names of those that were given and are not in Params
	Command     []string       `json:"command,omitempty"`       // line, with … for secrets
	Directory   string         `json:"directory,omitempty"`     // that relative paths of the command line started at, absolute
	Settings    *Settings      `json:"settings,omitempty"`
	Files       []File         `json:"files,omitempty"`   // that were read, sorted by kind and path
	Written     []string       `json:"written,omitempty"` // paths that the script has written to, as it said them
	Seal        string         `json:"seal,omitempty"`    // by which the weir of the user who made the run knows it, for weir rerun; absent where no key could be kept
	Environment Environment    `json:"environment"`
	Started     time.Time      `json:"started"`
	Ended       *time.Time     `json:"ended"` // null while the run goes on, and after a crash
	Interrupted bool           `json:"interrupted"`
	Error       string         `json:"error,omitempty"` // why the run ended early
	Verdict     Verdict        `json:"verdict"`         // of the worst case; "" as long as there is none
	Cases       []*Case        `json:"cases"`
	Thresholds  []Threshold    `json:"thresholds,omitempty"` // that no case has judged, as none has the tags that they name: not kept
	Services    []Service      `json:"services,omitempty"`   // that the script's endpoints send to, as they describe themselves
	Devices     []Device       `json:"devices,omitempty"`    // that were monitored
	Monitors    []Monitor      `json:"monitors,omitempty"`   // what became of each source of telemetry
	Published   []Published    `json:"published,omitempty"`  // what became of each service that metrics were pushed to
	Doctor      []Finding      `json:"doctor,omitempty"`     // of options.doctor; nil: nobody looked
}

// Add appends a finished case; the run's verdict becomes that of its worst case.
func (r *Result) Add(c *Case) {
	r.Cases = append(r.Cases, c)
	r.Verdict = ""
	for _, c := range r.Cases {
		r.Verdict = Worse(r.Verdict, c.Validity.Verdict)
	}
}

// Version is the program that made the result.
type Version struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	// Extensions are the modules that others have added, by what scripts import:
	// "weir/x/clock of example.com/weir-clock@v1.2.0".
	Extensions []string `json:"extensions,omitempty"`
}

// Script is what was run.
type Script struct {
	Name   string `json:"name"`
	Path   string `json:"path"`             // as given; "builtin:static" for one of weir's own
	Dir    string `json:"dir,omitempty"`    // its folder, absolute; "": it came in a bundle
	SHA256 string `json:"sha256"`           // of the bundled program, script.js in bundle.weir
	Bundle string `json:"bundle,omitempty"` // digest of the .weir file that it came in, "sha256:…"
	Pinned string `json:"pinned,omitempty"` // where it was fetched from, with a digest: weir run gets the same by it
	Commit string `json:"commit,omitempty"` // that was checked out in the git repository that it is in
}

// Case is one point of the plan: its load and what was measured.
type Case struct {
	Name        string             `json:"name"`
	Repeat      int                `json:"repeat,omitempty"` // number of the repetition, from 1; 0: the case was not repeated
	Tags        map[string]any     `json:"tags"`
	Started     time.Time          `json:"started"`
	Duration    float64            `json:"duration_s"` // first request started → last response ended, seconds
	Counts      Counts             `json:"counts"`
	Metrics     map[string]*Metric `json:"metrics"`
	Throughput  Throughput         `json:"throughput"`
	Goodput     *Goodput           `json:"goodput,omitempty"` // nil: no SLOs were given
	Window      string             `json:"window,omitempty"`  // what Metrics, Throughput and Goodput are of: WindowAll or WindowSteady
	Windows     map[string]*Window `json:"windows,omitempty"` // both, by name
	Kept        *Kept              `json:"kept,omitempty"`    // nil: the run has a file of records, or the case had no request
	Growth      *Growth            `json:"growth,omitempty"`  // nil: no schedule, or too few requests
	Tokens      TokenSources       `json:"token_sources"`
	Stamps      map[string]int64   `json:"stamps"` // arrivals by the clock that stamped them: "kernel", "user"
	TokenEvents TokenEvents        `json:"token_events"`
	Connections Connections        `json:"connections"`
	Errors      []ErrorGroup       `json:"errors"`
	Checks      []Check            `json:"checks"`
	Validity    Validity           `json:"validity"`
	Thresholds  []Threshold        `json:"thresholds"`
	Client      *Client            `json:"client,omitempty"`       // nil: nobody watched
	Devices     []DeviceUse        `json:"devices,omitempty"`      // what monitored devices did meanwhile
	Energy      *Energy            `json:"energy,omitempty"`       // nil: no device that serves told its power
	Server      []Server           `json:"server,omitempty"`       // what the services' pages of metrics say, one each
	RecordsWait *RecordsWait       `json:"records_wait,omitempty"` // nil: no request waited for the file of records
	Warmup      *Warmup            `json:"warmup,omitempty"`
	Interrupted bool               `json:"interrupted"`
	Stopped     *Stopped           `json:"stopped,omitempty"` // nil: its stopWhen never held
	Profile     []Trace            `json:"profile,omitempty"` // of its profilers; none: it was not profiled

	// Scenarios holds the shares of the scenarios that the script has named; nil
	// when it has named none.
	Scenarios map[string]*Scenario `json:"scenarios,omitempty"`
}

// Title is the case's name, with the number of its repetition.
func (c *Case) Title() string {
	if c.Repeat > 0 {
		return c.Name + " #" + strconv.Itoa(c.Repeat)
	}
	return c.Name
}

// The windows of a case.
const (
	WindowAll    = "all"    // from its first request's start to its last one's end
	WindowSteady = "steady" // without warming up and draining; docs/metrics.md tells how it is found
)

// Window is a part of a case's time, and what was measured in it.
type Window struct {
	From     float64 `json:"from_s"`         // after the start of the case's first request, seconds
	To       float64 `json:"to_s"`           //
	Found    bool    `json:"found"`          // false: there is none, and Note says why; nothing else is set then
	Note     string  `json:"note,omitempty"` // how it was found, or why there is none
	Requests int64   `json:"requests"`       // that started in it and completed

	// What was measured in it; absent for the case's own Window, whose are the case's.
	Metrics    map[string]*Metric `json:"metrics,omitempty"`
	Throughput *Throughput        `json:"throughput,omitempty"`
	Goodput    *Goodput           `json:"goodput,omitempty"`
}

// Kept says which of a case's requests are in the file [RequestsName]: one of every
// Every, so that they take no more than some megabytes.
type Kept struct {
	Requests int64 `json:"requests"` // that are in the file
	Of       int64 `json:"of"`       // requests that have ended
	Every    int64 `json:"every"`    // 1: all
}

// Scenario is the share of one scenario in a case: what stands for all of them
// in the case, of its own iterations and requests.
type Scenario struct {
	Tags       map[string]any     `json:"tags"` // the case's and its own
	Started    time.Time          `json:"started"`
	Duration   float64            `json:"duration_s"` // its first request started → its last response ended
	Counts     Counts             `json:"counts"`
	Metrics    map[string]*Metric `json:"metrics"` // itl_decode is the case's alone when there are several
	Throughput Throughput         `json:"throughput"`
	Goodput    *Goodput           `json:"goodput,omitempty"`
	Errors     []ErrorGroup       `json:"errors"`
	Checks     []Check            `json:"checks"`
}

// Counts are numbers of iterations and requests. The four ways in which things
// go wrong (a request failed, an iteration failed, was dropped, started late)
// never stand in for each other.
type Counts struct {
	Scheduled       int64 `json:"scheduled"` // iterations that the executor wanted
	Started         int64 `json:"started"`   // iterations begun
	Completed       int64 `json:"completed"` // iterations that ended by themselves
	IterationFailed int64 `json:"iteration_failed"`
	Interrupted     int64 `json:"interrupted"` // iterations cut off when the time to stop had run out
	Dropped         int64 `json:"dropped"`
	Late            int64 `json:"late"`
	Requests        int64 `json:"requests"` // requests ended, in whatever way
	RequestsFailed  int64 `json:"requests_failed"`
	RequestsCut     int64 `json:"requests_interrupted"` // cut off with their iteration: neither failed nor completed
	Resent          int64 `json:"requests_resent"`
	Retried         int64 `json:"requests_retried"` // failed requests that were followed by another attempt
}

// Metric is one metric of a case. Kind says which fields are set: the others
// are absent in JSON. A distribution without samples has N 0 and no values.
type Metric struct {
	Kind      string   `json:"kind"`             // "distribution", "counter", "rate", "gauge", "goodput"
	Custom    bool     `json:"custom,omitempty"` // made by the script
	Unit      string   `json:"unit"`
	N         int64    `json:"n"`
	Avg       *float64 `json:"avg,omitempty"`
	AvgLow    *float64 `json:"avg_low,omitempty"`  // of the 95 % confidence interval of Avg; absent where there is none
	AvgHigh   *float64 `json:"avg_high,omitempty"` //
	Min       *float64 `json:"min,omitempty"`
	Max       *float64 `json:"max,omitempty"`
	Std       *float64 `json:"std,omitempty"`
	P50       *float64 `json:"p50,omitempty"`
	P75       *float64 `json:"p75,omitempty"`
	P90       *float64 `json:"p90,omitempty"`
	P95       *float64 `json:"p95,omitempty"`
	P99       *float64 `json:"p99,omitempty"`
	P999      *float64 `json:"p999,omitempty"`
	Sum       *float64 `json:"sum,omitempty"`        // counter
	Rate      *float64 `json:"rate,omitempty"`       // counter: per second; rate: share of true samples, 0…1
	Value     *float64 `json:"value,omitempty"`      // gauge: the last one set
	PerSecond *float64 `json:"per_second,omitempty"` // goodput: good requests; its share of good requests is Rate
	Missed    *float64 `json:"missed,omitempty"`     // goodput: requests that are not good
	Estimator string   `json:"estimator,omitempty"`  // "exact" or "hdr"
	Supported *float64 `json:"supported,omitempty"`  // distribution: the highest of the percentiles above that its samples are enough for with 99 % confidence, such as 95; 0: not even p50

	// Quantile gives the percentile p (0…100) of a distribution, NaN without
	// samples. It is what scripts call as metric.p(99); nil for other kinds.
	Quantile func(p float64) float64 `json:"-"`
}

// Throughput is totals of completed requests over the case's duration, per second.
type Throughput struct {
	Requests     float64 `json:"requests"`
	InputTokens  float64 `json:"input_tokens"`
	OutputTokens float64 `json:"output_tokens"`
	TotalTokens  float64 `json:"total_tokens"`
}

// Goodput is how many requests were good: they completed and kept every SLO. A
// request may have missed several.
type Goodput struct {
	SLO          map[string]float64 `json:"slo,omitempty"`            // by latency, ms; nil: of a case whose scenarios have different ones, see theirs
	Requests     int64              `json:"requests"`                 // that were held against SLOs: generations, embeddings and rankings that completed or failed
	Good         int64              `json:"good"`                     // of those
	Share        *float64           `json:"share"`                    // good of requests, 0…1; null: there were none
	PerSecond    float64            `json:"per_second"`               // good requests over the case's duration
	OutputTokens float64            `json:"output_tokens_per_second"` // of good requests
	Missed       map[string]int64   `json:"missed"`                   // requests by the SLO that they missed, and "failed"
}

// Growth tells whether latencies grew during the case, as they do when requests
// come faster than they are served: the least-squares line through the samples
// of e2el_from_schedule over the times at which they were scheduled.
type Growth struct {
	N      int64   `json:"n"`      // samples
	Slope  float64 `json:"slope"`  // seconds of latency a second of schedule: offered / served rate − 1, when a queue grows
	StdErr float64 `json:"stderr"` // of the slope, for samples that do not depend on each other
}

// TokenSources says for how many completed requests each count came from where.
type TokenSources struct {
	Input  map[string]int64 `json:"input"`
	Output map[string]int64 `json:"output"`
}

// TokenEvents counts the token events of completed generations.
type TokenEvents struct {
	All         int64 `json:"all"`
	Shared      int64 `json:"shared"`       // read together with a later part of the stream: their times are upper bounds
	ReadLate    int64 `json:"read_late"`    // of those: the client was not in time to see when they came, and no gap that begins or ends with one is in itl
	FirstShared int64 `json:"first_shared"` // generations whose first token event is one of those, and did not come together with the rest of its read: they have no ttft
}

// Connections says what the requests' connections went through.
type Connections struct {
	Opened        int64 `json:"opened"`        // requests that a new connection was opened for
	Failed        int64 `json:"failed"`        // requests that failed because none could be opened
	Retransmits   int64 `json:"retransmits"`   // TCP segments that this machine sent again
	Retransmitted int64 `json:"retransmitted"` // requests during which it did
}

// RecordsWait says how ended requests waited for the file of records, because the
// disk did not keep up: what followed them started later.
type RecordsWait struct {
	Count int64   `json:"count"`   // requests
	Total float64 `json:"total_s"` // of all of them, seconds
}

// ErrorGroup is the failures of one kind and status; Message is the first one's.
type ErrorGroup struct {
	Scope   string `json:"scope"` // "request" or "iteration"
	Kind    string `json:"kind"`
	Status  int    `json:"status,omitempty"`
	Count   int64  `json:"count"`
	Message string `json:"message"`
}

// Check is one named check of the script.
type Check struct {
	Name   string `json:"name"`
	Passes int64  `json:"passes"`
	Fails  int64  `json:"fails"`
}

// Verdict says whether a case or a run can be believed.
type Verdict string

const (
	Valid   Verdict = "VALID"
	Suspect Verdict = "SUSPECT"
	Invalid Verdict = "INVALID"
)

// Worse is the worse of two verdicts; "" is better than any.
func Worse(a, b Verdict) Verdict {
	if b.Severity() > a.Severity() {
		return b
	}
	return a
}

// Severity orders verdicts: the higher, the worse; 0 is that of "".
func (v Verdict) Severity() int {
	switch v {
	case Valid:
		return 1
	case Suspect:
		return 2
	case Invalid:
		return 3
	}
	return 0
}

// Validity is the verdict on a case and its reasons.
type Validity struct {
	Verdict Verdict  `json:"verdict"`
	Reasons []Reason `json:"reasons"`
}

// Reason is one finding of the validity rules.
type Reason struct {
	Rule    string  `json:"rule"` // name in docs/validity.md
	Verdict Verdict `json:"verdict"`
	Message string  `json:"message"`
}

// Threshold is one threshold of the script and whether the case kept it.
type Threshold struct {
	Metric  string   `json:"metric"` // with the tags that the script's has, such as "ttft{rate:8}"
	Expr    string   `json:"expr"`
	Value   *float64 `json:"value"`             // null: no samples, and then not OK; or it is on the verdict
	Unit    string   `json:"unit,omitempty"`    // of Value: that of the metric, such as "ms"; "": it is a number or a share
	Thin    bool     `json:"thin,omitempty"`    // Value is a percentile of fewer samples than it takes to know it
	Verdict Verdict  `json:"verdict,omitempty"` // of the case, for a threshold on validity
	OK      bool     `json:"ok"`
	Note    string   `json:"note,omitempty"` // why there is no value, or what ended the run
}

// Found is what the threshold was held against, for readers: "96.4 ms", "~96.4 ms" of too
// few samples, "SUSPECT", or why there is nothing.
func (t Threshold) Found() string {
	switch {
	case t.Value != nil:
		value := strings.TrimSpace(strconv.FormatFloat(*t.Value, 'g', 6, 64) + " " + t.Unit)
		if t.Thin {
			value = "~" + value
		}
		return value
	case t.Verdict != "":
		return string(t.Verdict)
	}
	return t.Note
}

// Stopped is what ended a case early, as its script had asked for.
type Stopped struct {
	Metric string  `json:"metric"`
	Expr   string  `json:"expr"`
	Value  float64 `json:"value"`   // then
	After  float64 `json:"after_s"` // the begin of the case
}

// Warmup is what the warm-up did; its requests are in no other number.
type Warmup struct {
	Iterations int64        `json:"iterations"`
	Requests   int64        `json:"requests"`
	Failed     int64        `json:"failed"`
	Errors     []ErrorGroup `json:"errors"`
}

// Refused tells whether there were requests, and all of them failed.
func (w *Warmup) Refused() bool { return w != nil && w.Requests > 0 && w.Failed == w.Requests }

// Client is what the client process itself used and suffered while the case was
// measured; package health takes the figures. A share is 0…1. Fields that are
// nil are absent in JSON: the system does not tell, or there was no sample.
type Client struct {
	Wall       float64 `json:"wall_s"`     // how long it was watched, seconds
	Cores      float64 `json:"cpu_cores"`  // CPUs that the process may use: the smaller of its affinity and its cgroups' quota
	GOMAXPROCS int     `json:"gomaxprocs"` // threads that may run Go code at once

	CPU       *Usage   `json:"cpu_used_cores,omitempty"`     // by this process
	Busy      *Usage   `json:"cpu_busy_share,omitempty"`     // of the CPUs that the process may use: running anything at all
	Others    *Usage   `json:"cpu_others_share,omitempty"`   // of the same CPUs: running other processes, or the kernel
	Steal     *Usage   `json:"cpu_steal_share,omitempty"`    // of the same CPUs: taken away by the hypervisor
	Wait      *Usage   `json:"cpu_wait_share,omitempty"`     // of the time that threads of this process were ready to run: without a CPU
	Turn      *Usage   `json:"cpu_wait_ms,omitempty"`        // mean wait of a thread each time before it got a CPU, ms
	WaitTotal *float64 `json:"cpu_wait_s,omitempty"`         // that time, summed over threads, seconds
	Pressure  *Usage   `json:"cpu_pressure_share,omitempty"` // of the time: some task of the machine was ready to run and without a CPU
	Throttled *float64 `json:"throttled_s,omitempty"`        // held back by a cgroup's quota, summed over CPUs, seconds

	GCPause      *Pauses `json:"gc_pause_ms,omitempty"`      // the garbage collector stopped the process
	SchedLatency *Tail   `json:"sched_latency_ms,omitempty"` // goroutines that were ready to run waited for a thread
	LoopLag      *Tail   `json:"loop_lag_ms,omitempty"`      // the longest wait for a JavaScript event loop in each 100 ms
	WakeLag      *Tail   `json:"wake_lag_ms,omitempty"`      // a timer of 100 ms rang late

	RSS            *float64 `json:"rss_mb,omitempty"`           // most resident memory, MB (10⁶ bytes)
	OpenFiles      *int64   `json:"open_files,omitempty"`       // most open file descriptors
	OpenFilesLimit *int64   `json:"open_files_limit,omitempty"` // how many there may be
}

// Usage is a rate over the whole time, and the highest in a window of a second.
type Usage struct {
	Avg float64 `json:"avg"`
	Max float64 `json:"max"`
}

// Tail is the upper end of a distribution of N samples.
type Tail struct {
	N   int64   `json:"n"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Pauses are interruptions of the whole process.
type Pauses struct {
	Count int64   `json:"count"`
	Total float64 `json:"total"`
	Max   float64 `json:"max"`
}
