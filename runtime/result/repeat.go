package result

import "time"

// Settings are weir's own, of this run.
type Settings struct {
	Runtimes    int                `json:"runtimes"`                     // JavaScript runtimes
	GOMAXPROCS  int                `json:"gomaxprocs"`                   // threads that may run Go code at once
	MemoryLimit *int64             `json:"memory_limit_bytes,omitempty"` // that Go's garbage collector keeps to, as GOMEMLIMIT says; nil: none
	Instance    string             `json:"instance,omitempty"`           // "2/3" is the second of three
	Sources     []string           `json:"source_ip,omitempty"`          // local addresses of connections
	Goodput     map[string]float64 `json:"goodput,omitempty"`            // --goodput, ms
	Repeat      int                `json:"repeat,omitempty"`             // --repeat
	Thresholds  []string           `json:"thresholds,omitempty"`         // --threshold, as they were given
	Records     bool               `json:"records"`                      // every request is recorded
	Window      string             `json:"window,omitempty"`             // --window; "": as the script says
	// Sim is all flags of the simulated service with their values, also those that
	// nobody gave; nil: there was none.
	Sim map[string]string `json:"sim,omitempty"`
}

// File is one that the run read: of a tokenizer, of data, of parameters, or another.
type File struct {
	Kind     string    `json:"kind"` // "tokenizer", "dataset", "params" or "file"
	Path     string    `json:"path"` // absolute; of one in a bundle, below the bundle's name
	Bytes    int64     `json:"bytes"`
	Modified time.Time `json:"modified"`
	SHA256   string    `json:"sha256,omitempty"`
	Note     string    `json:"note,omitempty"` // why there is none
}
