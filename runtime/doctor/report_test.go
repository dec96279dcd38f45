package doctor_test

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"weir/runtime/device/devicetest"
	"weir/runtime/doctor"
	"weir/runtime/result"
)

// Reports as readers see them, at 80 columns; go test -update writes them anew.
func TestReport(t *testing.T) {
	f := func(name string, found []result.Finding) {
		t.Helper()
		var out strings.Builder
		doctor.Report{Width: 80, URL: "http://npu1:8000", Host: "client1"}.Write(&out, found)
		for line := range strings.Lines(out.String()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
				t.Errorf("%s: a line of %d columns: %s", name, n, line)
			}
		}
		file := "testdata/" + name + ".txt"
		if *devicetest.Update {
			if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if out.String() != string(want) {
			t.Errorf("%s is\n%s\nwant\n%s", name, out.String(), want)
		}
	}
	service := []result.Finding{
		{Check: "reachable", Group: doctor.OfService, Status: doctor.OK, What: "http://npu1:8000 answers"},
		{
			Check: "streaming", Group: doctor.OfService, Status: doctor.Fail,
			What: "something on the way holds the stream back until its end: 64 events came in 1 read, the first after 1.21 s and the last after 1.21 s",
			Why:  "TTFT is then the time of the whole answer", Do: "in the proxy (nginx): proxy_buffering off",
		},
	}
	need := doctor.Need{Streams: 256, Network: "eth0"}
	f("fit", append(service[:1:1], doctor.Machine(fit(), calm(), need)...))
	poor, measured := fit(), calm()
	poor.Limits.OpenFiles, poor.Clock.Source, measured.Client.Steal.Avg, poor.CPU = p(int64(256)), "hpet", 0.03, nil
	found := append(service, doctor.Machine(poor, measured, need)...)
	busy := eight()
	busy.Listing.Devices[2].Processes = []result.Process{{PID: 4711, Name: "python3"}}
	f("poor", append(found, doctor.Devices([]doctor.Accelerators{busy}, poor, false)...))
}

// Colours are only where they are asked for.
func TestReportColour(t *testing.T) {
	found := doctor.Machine(fit(), calm(), doctor.Need{Streams: 1})
	var plain, coloured strings.Builder
	doctor.Report{Width: 80}.Write(&plain, found)
	doctor.Report{Width: 80, Colour: true}.Write(&coloured, found)
	if strings.Contains(plain.String(), "\x1b") {
		t.Error("a plain report has escape sequences")
	}
	text := coloured.String()
	for _, c := range []string{"\x1b[1m", "\x1b[32m", "\x1b[2m", "\x1b[0m"} {
		if !strings.Contains(text, c) {
			t.Errorf("no %q in %q", c, text)
		}
		text = strings.ReplaceAll(text, c, "")
	}
	if text != plain.String() {
		t.Errorf("without its colours it is\n%s\nwant\n%s", text, plain.String())
	}
}

func TestRoute(t *testing.T) {
	f := func(service string, local bool) {
		t.Helper()
		u, err := url.Parse(service)
		if err != nil {
			t.Fatal(err)
		}
		if got, network := doctor.Route(t.Context(), u); got != local || network != "" {
			t.Errorf("%s: %v, %q", service, got, network)
		}
	}
	f("http://127.0.0.1:8000", true)
	f("http://127.0.0.1", true)
	f("http://localhost:8000", true)
}
