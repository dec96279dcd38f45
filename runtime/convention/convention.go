// Package convention works the numbers of other benchmark tools out of a run's
// records, each by that tool's own definitions, and sets weir's beside them: so that a
// team can see that "TPOT" here and there are not the same number, and why.
//
// [Tables] reads the requests of a run case by case (calls.go) and gives each case to
// each [Convention]; a convention is one file, named after its tool, whose comments
// cite the tool's source. What is in no record is taken from the nearest thing that is,
// and the table says so in a note. [WriteVLLM] and [WriteAISBench] write the same
// numbers in the shape of those tools' own files.
//
// weir's definitions are in package metrics; this package has none of its own.
package convention

import (
	"fmt"
	"strings"

	"weir/runtime/result"
	"weir/runtime/suggest"
)

// Convention is one tool's way to compute its numbers.
type Convention struct {
	Name  string // on the command line
	Tool  string // what is being followed: its program and version
	table func(*load) []Group
}

// All are the conventions, in the order of the documentation (docs/conventions.md).
var All = []Convention{
	{"vllm", "vllm bench serve", vllmGroups},
	{"sglang", "SGLang bench_serving", sglangGroups},
	{"aiperf", "NVIDIA AIPerf", aiperfGroups},
	{"guidellm", "GuideLLM", guidellmGroups},
	{"aisbench", "AISBench", aisbenchGroups},
	{"ascend-6.3", "AscendCloud-LLM benchmark_parallel.py, to 6.3", ascend63Groups},
	{"ascend-6.5", "AscendCloud-LLM benchmark_parallel.py, 6.5", ascend65Groups},
}

// Parse finds conventions by their names; "all" is all of them. Each is there once, in
// the order in which it was named first.
func Parse(names []string) ([]Convention, error) {
	var found []Convention
	seen := map[string]bool{}
	for _, name := range names {
		some, err := named(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		for _, c := range some {
			if !seen[c.Name] {
				seen[c.Name] = true
				found = append(found, c)
			}
		}
	}
	return found, nil
}

func named(name string) ([]Convention, error) {
	if name == "all" {
		return All, nil
	}
	names := []string{"all"}
	for i, c := range All {
		if c.Name == name {
			return All[i : i+1], nil
		}
		names = append(names, c.Name)
	}
	hint := ""
	if near := suggest.Nearest(name, names); near != "" {
		hint = "did you mean " + near + "? "
	}
	return nil, fmt.Errorf("%sthere is no convention %q, only %s", hint, name, strings.Join(names, ", "))
}

// Table is one case in the words of one tool.
type Table struct {
	Convention string   `json:"convention"`
	Tool       string   `json:"tool"`
	Case       string   `json:"case"`
	Repeat     int      `json:"repeat,omitempty"` // number of the repetition; 0: the case was not repeated
	Groups     []Group  `json:"groups"`           // none: there is nothing that the tool measures, and Notes say why
	Notes      []string `json:"notes,omitempty"`  // what was approximated, or could not be computed
}

// Group is the rows of one metric, and why they differ from weir's.
type Group struct {
	Metric string `json:"metric"`
	Why    string `json:"why"`
	Rows   []Row  `json:"rows"`
}

// Row is one number of the tool, under its name.
type Row struct {
	Name       string   `json:"name"`                 // as the tool prints it, without the unit
	Unit       string   `json:"unit,omitempty"`       // likewise
	Value      *float64 `json:"value"`                // null: the tool would have none, or it cannot be computed
	Weir       *float64 `json:"weir"`                 // weir's, in the same unit; null: it has none
	WeirMetric string   `json:"weir_metric"`          // what that is; "": weir has none
	Difference *float64 `json:"difference,omitempty"` // of Value from Weir, percent of Weir
}

// Tables computes the cases of a run under conventions: all tables of the first case,
// then those of the next. Requests are read once, and those of one case are in memory
// at a time.
func Tables(run *result.Run, conventions []Convention) ([]Table, error) {
	var tables []Table
	err := eachLoad(run, func(l *load) error {
		for _, c := range conventions {
			tables = append(tables, c.apply(l))
		}
		return nil
	})
	return tables, err
}

// apply computes one case.
func (c Convention) apply(l *load) Table {
	t := Table{Convention: c.Name, Tool: c.Tool, Case: l.of.Name, Repeat: l.of.Repeat}
	l.notes = nil
	switch {
	case l.lacking != "":
		l.note("%s", l.lacking)
	case len(l.calls) == 0:
		l.note("The case has no generations: %s would have nothing to compute.", c.Tool)
	default:
		t.Groups = c.table(l)
		l.common()
	}
	t.Notes = l.notes
	return t
}
