package result

import (
	"iter"
	"time"
)

// SamplesName is the name of the file of telemetry in a run's folder.
const SamplesName = "telemetry.jsonl.zst"

// Sample is what one device, or the page of metrics of one service, told at a moment,
// as the file of telemetry has it: one line of JSON.
type Sample struct {
	At     int64   `json:"unix_ns"`        // wall clock, as in the file of records
	Case   int     `json:"case"`           // number of the case that it fell into; 0: none
	Source string  `json:"source"`         // such as "npu-smi", or the URL of a page
	Host   string  `json:"host,omitempty"` // as in Device
	Kind   string  `json:"kind"`           // as in Device; "service": what its page of metrics says
	Index  int     `json:"index"`          // as in Device
	Health string  `json:"health,omitempty"`
	Took   float64 `json:"took_ms,omitempty"` // by the reading; absent: nobody knows

	Values map[string]float64 `json:"values"` // by quantity; what was not told is absent
}

// Samples writes the file of telemetry while a run goes on. Add may be called from
// any goroutine; Flush and Close are for one.
type Samples struct{ *lineFile }

// CreateSamples begins the file of telemetry in a run's folder. One that exists is
// never overwritten.
func (f *Folder) CreateSamples() (*Samples, error) {
	l, err := f.createLines(SamplesName, "samples of telemetry")
	if err != nil {
		return nil, err
	}
	return &Samples{l}, nil
}

// Add writes one sample. It does not keep it. It returns for how long the disk held it
// up. After Close, samples are discarded.
func (s *Samples) Add(sample *Sample) (waited time.Duration) { return s.add(sample) }

// ReadSamples reads a file of telemetry, one sample after another. A file that was cut
// off, as by a full disk, yields what it has, and then an error.
func ReadSamples(path string) iter.Seq2[*Sample, error] {
	return readLines[Sample](path, "samples of telemetry")
}
