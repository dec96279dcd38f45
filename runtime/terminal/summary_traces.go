package terminal

import "weir/runtime/result"

// traces tells where what profilers have left is.
func (s *summary) traces(cases []*result.Case) {
	var all gather
	for _, c := range cases {
		for _, t := range c.Profile {
			of := t.Profiler
			if t.Target != "" && t.Target != t.Profiler {
				of += " (" + t.Target + ")"
			}
			where := t.Where
			switch {
			case t.Error != "":
				where = "! " + t.Error
			case where == "":
				where = "where the profiler was told to write it"
			}
			all.at(of+": "+where, "", c.Name)
		}
	}
	if len(all) == 0 {
		return
	}
	s.title("Traces")
	for _, f := range all {
		s.hanging("  ", 6, f.label+inCases(f.where, len(cases)))
	}
}
