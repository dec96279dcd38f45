package cmd

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"weir/runtime/result"
)

// sampled prints how many samples of each kind of source fell into each case of a run
// in a folder, with --records, as {"1": {"npu": 20, …}, …}; "0" is between the cases.
// It fails when one of them is said to be in a case and was not, or the other way
// round, and when the result tells another number.
func sampled() {
	if err := printSampled(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// underway is when the requests of a case were under way, ns.
type underway struct{ first, last int64 }

func printSampled(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, result.FileName))
	if err != nil {
		return err
	}
	var run result.Result
	if err := json.Unmarshal(data, &run); err != nil {
		return err
	}
	requests := map[int]*underway{}
	for r, err := range result.ReadRecords(filepath.Join(dir, result.RecordsName)) {
		if err != nil {
			return err
		}
		s := requests[r.Case]
		if s == nil {
			s = &underway{r.Started, r.EndedAt}
			requests[r.Case] = s
		}
		s.first, s.last = min(s.first, r.Started), max(s.last, r.EndedAt)
	}
	counts := map[int]map[string]int{}
	read := map[string]int64{} // by case and device
	for s, err := range result.ReadSamples(filepath.Join(dir, result.SamplesName)) {
		if err != nil {
			return err
		}
		for number, r := range requests {
			inside := r.first <= s.At && s.At <= r.last
			switch {
			case inside && s.Case != number:
				return fmt.Errorf("a sample of %s at %d is in case %d and says %d", s.Source, s.At, number, s.Case)
			case number < s.Case && s.At <= r.last, number > s.Case && s.Case > 0 && s.At >= r.first:
				return fmt.Errorf("a sample of %s at %d says case %d, and case %d is at that time", s.Source, s.At, s.Case, number)
			}
		}
		if counts[s.Case] == nil {
			counts[s.Case] = map[string]int{}
		}
		counts[s.Case][s.Kind]++
		read[fmt.Sprint(s.Case, s.Host, s.Kind, s.Index)]++
	}
	for i, c := range run.Cases {
		for _, d := range c.Devices {
			if n := read[fmt.Sprint(i+1, d.Host, d.Kind, d.Index)]; n < d.Readings { // one that took until after the case is in the file alone
				return fmt.Errorf("case %d has %d readings of %s %d, and %d samples", i+1, d.Readings, d.Kind, d.Index, n)
			}
		}
	}
	return json.NewEncoder(os.Stdout).Encode(counts)
}
