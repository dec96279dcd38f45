package runtime

import (
	"context"
	"fmt"
	"slices"
	"time"

	"weir/runtime/doctor"
	"weir/runtime/result"
)

// Doctor looks whether the machine and the services of a run are fit, where the script
// asks for it (options.doctor).
type Doctor struct {
	// Glance looks at the services that the script has named so far, and ends with ctx.
	Glance func(ctx context.Context) []result.Finding
	// Now reads the machine anew, before each case: earlier ones leave ports occupied
	// and memory in use.
	Now func(ctx context.Context) result.Environment
	// Tell is told of what is certain to matter, once each. Services that cannot be
	// reached are not: their requests will say it.
	Tell func(result.Finding)
}

// glanceLimit bounds how long services are looked at before setup.
const glanceLimit = 250 * time.Millisecond

// told are the checks of which a run tells; others are in its result only.
var told = []string{"open-files", "ports", "cpus", "memory", "clock-source", "round-trip"}

// examine looks at what is cheap before anything is sent.
func (r *run) examine() {
	if r.Doctor == nil || !r.options.doctor {
		return
	}
	ctx, cancel := context.WithTimeout(r.ctx, glanceLimit)
	defer cancel()
	facts := doctor.NewFacts(r.Result.Environment)
	for _, f := range slices.Concat(r.Doctor.Glance(ctx), doctor.Certain(facts, doctor.TryStamps())) {
		r.found(f)
	}
}

// examineCase looks whether the machine's limits are enough for a case.
func (r *run) examineCase(c *caseSpec) {
	if r.Doctor == nil || !r.options.doctor {
		return
	}
	need := doctor.Need{Local: true}
	for _, s := range c.scenarios {
		n, _ := s.profile.AtOnce() // 0: nothing limits it
		need.Streams += n
	}
	if need.Streams == 0 {
		need.Streams = doctor.DefaultStreams
	}
	ctx, cancel := context.WithTimeout(r.ctx, glanceLimit)
	defer cancel()
	for _, f := range doctor.Limits(doctor.Facts{Environment: r.Doctor.Now(ctx)}, need) {
		r.found(f)
	}
}

// found notes a finding. Of the limits, which are looked at before each case, the worst
// stays.
func (r *run) found(f result.Finding) {
	at := slices.IndexFunc(r.Result.Doctor, func(other result.Finding) bool {
		return f.Group == doctor.OfMachine && other.Group == f.Group && other.Check == f.Check
	})
	switch {
	case at < 0:
		r.Result.Doctor = append(r.Result.Doctor, f)
	case doctor.Worse(f.Status, r.Result.Doctor[at].Status):
		r.Result.Doctor[at] = f
	default:
		return
	}
	if (f.Status == doctor.Warn || f.Status == doctor.Fail) && slices.Contains(told, f.Check) {
		r.Doctor.Tell(f)
	}
}

// parseDoctor reads options.doctor.
func parseDoctor(v any) (bool, error) {
	switch v := v.(type) {
	case nil:
		return false, nil
	case bool:
		return v, nil
	}
	return false, fmt.Errorf("doctor must be true or false, not %v", v)
}
