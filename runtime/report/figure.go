package report

import (
	"time"

	"weir/runtime/chart"
)

// Figure is a chart with the words around it.
type Figure struct {
	ID      string // unique in a report, such as "case-3-cdf"; fit for a file's name
	Group   string // figures of one group have the same x axis and belong below each other; "": stands alone
	Title   string
	Caption string
	Chart   *chart.Chart
	Legend  []chart.Entry // of the chart; one entry or none needs no showing
	Table   Table
}

// Table has the numbers of a chart, for those who cannot or do not want to see it.
type Table struct {
	Head []string
	Rows [][]string
}

// Row is one request in the table of the slowest. What is nil did not happen, or
// nobody knows it.
type Row struct {
	Case      int     // number in the run, from 1
	Scenario  string  // "": the script has named none
	Iteration int     // number in the case, from 0
	At        float64 // when it started, or was to start, seconds after the begin of the case
	Wall      time.Time

	Lag    *float64 // started − scheduled, ms; so all times below
	TTFT   *float64
	TPOT   *float64
	Gap    *float64 // the longest between two token events …
	GapAt  *float64 // … and when it began: seconds after the begin of the case
	E2EL   *float64
	Took   *float64 // start → end, also of a request that failed
	Input  *int     // tokens; so the next two
	Output *int
	Cached *int

	Status  int    // HTTP; 0: no head arrived
	Error   string // its kind; "": it completed
	Message string // of the error
	Finish  string // reason, as the service gave it
	Host    string // where there are several
	Model   string

	// Why the request is in the table.
	Why []Why
}

// Why is a reason for which a request is in the table of the slowest.
type Why string

const (
	SlowE2EL  Why = "e2el"   // one of the longest of its case
	SlowTTFT  Why = "ttft"   //
	SlowGap   Why = "gap"    //
	SlowPlain Why = "plain"  // one of the longest plain requests
	Failed    Why = "failed" // it did
)
