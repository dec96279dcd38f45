package load

import (
	"fmt"
	"math"
	"time"
)

// Stage is one leg of a ramp: from the target of the stage before, the value
// goes to Target in a straight line, within Duration. A Duration of 0 is a jump.
type Stage struct {
	Duration time.Duration
	Target   float64 // VUs (whole ones), or starts per time unit
}

// staged is how long the stages take in all.
func (p Profile) staged() time.Duration {
	var total time.Duration
	for _, s := range p.Stages {
		total += s.Duration
	}
	return total
}

// checkStages finds faults in stages, from 0 up; what is the unit of their targets.
func (p Profile) checkStages(what string) []string {
	if len(p.Stages) == 0 {
		return []string{`stages is missing or empty: list them, such as [{ duration: "30s", target: 10 }]`}
	}
	var faults []string
	var total time.Duration
	for i, s := range p.Stages {
		if s.Duration < 0 {
			faults = append(faults, fmt.Sprintf("stages[%d]: duration must not be negative, got %v", i, s.Duration))
		} else if total += s.Duration; total < 0 {
			return append(faults, "stages take longer than can be counted: 292 years")
		}
		if !(s.Target >= 0) || math.IsInf(s.Target, 1) {
			faults = append(faults, fmt.Sprintf("stages[%d]: target must be %s, 0 or more, got %v", i, what, s.Target))
		}
	}
	if len(faults) == 0 && total == 0 && p.Iterations == 0 {
		faults = append(faults, "all stages have the duration 0, so nothing would be played: give one of them a duration")
	}
	return faults
}
