package result

import "slices"

// Common is what a rule of validity has found in cases of a run.
type Common struct {
	Reason       // that of the worst case, the first of those that are as bad
	Cases  []int // numbers of the cases, from 0: the one that Reason is of, and then the others
}

// Reasons gathers what the rules have found in cases, each rule once: the worst first,
// and those that are as bad as they came up.
func Reasons(cases []*Case) (all []*Common) {
	for i, c := range cases {
		for _, found := range c.Validity.Reasons {
			at := slices.IndexFunc(all, func(k *Common) bool { return k.Rule == found.Rule })
			switch {
			case at < 0:
				all = append(all, &Common{found, []int{i}})
			case Worse(all[at].Verdict, found.Verdict) != all[at].Verdict:
				others := slices.DeleteFunc(all[at].Cases, func(n int) bool { return n == i })
				all[at].Reason, all[at].Cases = found, slices.Insert(others, 0, i)
			case !slices.Contains(all[at].Cases, i):
				all[at].Cases = append(all[at].Cases, i)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *Common) int { return b.Verdict.Severity() - a.Verdict.Severity() })
	return all
}

// Label is what a reason is called before its message: its verdict, or that it is a note.
func (r Reason) Label() string {
	if r.Verdict == Valid {
		return "note"
	}
	return string(r.Verdict)
}
