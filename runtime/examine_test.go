//go:build !race

package runtime_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"weir/runtime"
	"weir/runtime/doctor"
	"weir/runtime/result"
)

// Limits are held against what the machine has left before each case; the worst stays
// in the result, and each is told once.
func TestDoctorOfCases(t *testing.T) {
	const source = `
		export const options = { doctor: true };
		export function* plan() {
			for (const name of ["a", "b", "c"]) yield { name, iterations: 2, vus: 2 };
		}
		export default () => request(10);`
	waiting := []int64{0, 999, 100} // ports in TIME_WAIT before each case
	cases := 0
	var told []string
	p := playScript(t, source, func(c *runtime.Config) {
		c.Doctor = &runtime.Doctor{
			Glance: func(context.Context) []result.Finding {
				return []result.Finding{{Check: "reachable", Group: doctor.OfService, Status: doctor.Fail, What: "not there"}}
			},
			Now: func(context.Context) result.Environment {
				first, last := int64(1), int64(1000)
				e := result.Environment{TCP: &result.TCP{FirstPort: &first, LastPort: &last, TimeWait: &waiting[cases]}}
				cases++
				return e
			},
			Tell: func(f result.Finding) { told = append(told, f.Check) },
		}
	})
	if p.Err != nil || cases != 3 {
		t.Fatalf("%d cases were looked at: %v", cases, p.Err)
	}
	var ports []result.Finding
	for _, f := range p.Doctor {
		if f.Check == "ports" {
			ports = append(ports, f)
		}
	}
	if len(ports) != 1 || ports[0].Status != doctor.Fail || !strings.Contains(ports[0].What, "999 of them in TIME_WAIT") {
		t.Errorf("%+v", ports)
	}
	if told = slices.DeleteFunc(told, func(c string) bool { return c != "ports" && c != "reachable" }); !slices.Equal(told, []string{"ports"}) {
		t.Errorf("told of %q", told)
	}

	p = playScript(t, strings.Replace(source, "doctor: true", "doctor: false", 1), func(c *runtime.Config) { c.Doctor = &runtime.Doctor{} })
	if p.Err != nil || p.Doctor != nil {
		t.Errorf("%v, %+v", p.Err, p.Doctor)
	}
}
