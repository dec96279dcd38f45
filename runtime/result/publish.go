package result

// Published is what became of the metrics that a run pushed to a service while it went
// on. What a push lacks, the next one has: counters are cumulative.
type Published struct {
	To       string  `json:"to"`  // "prometheus" or "otlp"
	URL      string  `json:"url"` // without a login
	Run      string  `json:"run"` // by which the run is found there: the label run, the attribute service.instance.id
	Interval float64 `json:"interval_s"`
	Pushes   int64   `json:"pushes"`          // that the service took
	Failed   int64   `json:"failed"`          // that were given up
	Dropped  int64   `json:"dropped"`         // that were never sent, as too many waited
	Error    string  `json:"error,omitempty"` // the first failure
}
