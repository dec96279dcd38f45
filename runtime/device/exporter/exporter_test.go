package exporter

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/runtime/device"
	"weir/runtime/device/devicetest"
	"weir/runtime/prom"
	"weir/runtime/transport"
)

// serve makes a source of a page that page writes.
func serve(t *testing.T, page http.HandlerFunc) (*Source, string) {
	t.Helper()
	server := httptest.NewServer(page)
	t.Cleanup(server.Close)
	clients := transport.NewClients(nil, nil)
	t.Cleanup(clients.Close)
	s, err := New(server.URL, clients)
	if err != nil {
		t.Fatal(err)
	}
	return s, server.URL
}

func fixed(page []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Write(page) }
}

func samples(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../../../testdata/exporters/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("samples: %v %v", files, err)
	}
	return files
}

func TestSamples(t *testing.T) {
	for _, file := range samples(t) {
		page, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, address := serve(t, fixed(page))
		golden := filepath.Join("../../../testdata/exporters", strings.TrimSuffix(filepath.Base(file), ".txt")+".golden.json")
		devicetest.Golden(t, golden, s, address)
	}
}

// What goes wrong is told with the URL, what was wrong, and what to do.
func TestErrors(t *testing.T) {
	f := func(page http.HandlerFunc, want ...string) {
		t.Helper()
		s, address := serve(t, page)
		for _, ask := range []func(context.Context) error{
			func(ctx context.Context) error { _, err := s.List(ctx); return err },
			func(ctx context.Context) error { _, err := s.Read(ctx); return err },
		} {
			err := ask(t.Context())
			if err == nil {
				t.Errorf("no error, want %q", want)
				continue
			}
			for _, w := range append(want, address+"/metrics") {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
		}
	}
	f(http.NotFound, "HTTP 404", "8082")
	f(fixed([]byte("go_goroutines 8\n")), "npu_chip_info_", "DCGM_FI_")
	f(fixed(nil), "npu_chip_info_")
	f(fixed([]byte("vllm:num_requests_running 8\n")), "inference server", "--metrics-url")
	f(fixed([]byte("npu_chip_info_power{id=\"\"} 8\n")), "npu-exporter", "no devices")
	f(fixed(bytes.Repeat([]byte("<p>hello</p>\n"), 200)), "no page of Prometheus metrics", "/metrics")
	f(fixed([]byte("npu_chip_info_power{id=\"0\",vdie_id=\"A\"} 1\nnpu_chip_info_power{id=\"0\",vdie_id=\"B\"} 1\n")), "several hosts")
	f(fixed(bytes.Repeat([]byte("# a comment that is long enough\n"), pageLimit/32+1)), "MiB")
	many := new(bytes.Buffer)
	for i := range mostChips + 1 {
		fmt.Fprintf(many, "DCGM_FI_DEV_GPU_UTIL{gpu=\"%d\"} 1\n", i)
	}
	f(fixed(many.Bytes()), "4096 devices")
}

func TestNobodyAnswers(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	s, err := New(server.URL+"/metrics", clients)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "is the exporter running") {
		t.Errorf("%v", err)
	}
	if _, err := New("ftp://host/metrics", clients); err == nil {
		t.Error("ftp is no way to read a page")
	}
}

// A page that never comes ends with the context.
func TestHangs(t *testing.T) {
	done := make(chan struct{})
	defer close(done)
	s, _ := serve(t, func(http.ResponseWriter, *http.Request) { <-done })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Read(ctx); err == nil {
		t.Error("a page came")
	}
}

// A reading is of when the exporter read, where it tells and can be believed.
func TestAge(t *testing.T) {
	f := func(stamp func(now time.Time) string, age time.Duration) {
		t.Helper()
		s, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			now := time.Now()
			fmt.Fprintf(w, "npu_chip_info_power{id=\"0\"} 90 %s\nnpu_chip_info_power{id=\"1\"} 91\n", stamp(now))
		})
		before := time.Now()
		r, err := s.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// Stamps are whole milliseconds; the request takes its time.
		from, to := before.Add(-age-time.Millisecond), time.Now().Add(-age)
		if r.At.Before(from) || r.At.After(to) {
			t.Errorf("the reading is of %v, want %v … %v", r.At, from, to)
		}
	}
	ago := func(age time.Duration) func(time.Time) string {
		return func(now time.Time) string { return fmt.Sprint(now.Add(-age).UnixMilli()) }
	}
	f(ago(0), 0)
	f(ago(4*time.Second), 4*time.Second)
	f(ago(time.Hour), 0)  // another clock
	f(ago(-time.Hour), 0) // the same
	f(func(time.Time) string { return "" }, 0)
}

// An exporter that answers, and has stopped to read its devices.
func TestFrozen(t *testing.T) {
	s, _ := serve(t, fixed([]byte("npu_chip_info_power{id=\"0\"} 90 1723621883587\n")))
	if _, err := s.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context()); err != nil {
		t.Fatal(err) // so soon it may be
	}
	s.moved = s.moved.Add(-2 * frozen)
	if _, err := s.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "have not changed") {
		t.Errorf("%v", err)
	}
}

// A device that is gone is absent, and so is a value; the rest is read on.
func TestVanishes(t *testing.T) {
	var asked atomic.Int64
	s, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		n := asked.Add(1)
		fmt.Fprintf(w, "DCGM_FI_DEV_POWER_USAGE{gpu=\"0\"} %d\n", n)
		if n != 2 {
			fmt.Fprint(w, "DCGM_FI_DEV_POWER_USAGE{gpu=\"1\"} 100\nDCGM_FI_DEV_GPU_UTIL{gpu=\"0\"} 5\n")
		} else {
			fmt.Fprint(w, "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\"} NaN\nwhat is this\n")
		}
	})
	f := func(devices, values int, unread string) {
		t.Helper()
		r, err := s.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Devices) != devices || len(r.Devices[0].Of) != values || strings.Join(r.Unread, "|") != unread {
			t.Errorf("%+v", r)
		}
	}
	f(2, 2, "")
	f(1, 1, "what is this")
	f(2, 2, "")
}

func TestName(t *testing.T) {
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	f := func(url, name, host string) {
		t.Helper()
		s, err := New(url, clients)
		if err != nil {
			t.Fatal(err)
		}
		if s.Name() != name || s.host != host {
			t.Errorf("%s on %q, want %s on %q", s.Name(), s.host, name, host)
		}
	}
	f("http://node1:8082/metrics", "http://node1:8082/metrics", "node1")
	f("http://node1:8082", "http://node1:8082/metrics", "node1")
	f("http://node1:8082/", "http://node1:8082/", "node1")
	f("https://10.1.2.3/x?token=abc#y", "https://10.1.2.3/x?token=…", "10.1.2.3")
	f("http://127.0.0.1:9400", "http://127.0.0.1:9400/metrics", "")
	f("http://[::1]:9400", "http://[::1]:9400/metrics", "")
	f("http://localhost:9400", "http://localhost:9400/metrics", "")
}

func FuzzParse(f *testing.F) {
	for _, file := range samples(f) {
		page, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(page)
	}
	f.Add([]byte("DCGM_FI_DEV_FB_USED{gpu=\"0\",GPU_I_ID=\"1\"} 1e300\nDCGM_FI_DEV_FB_FREE{gpu=\"0\",GPU_I_ID=\"1\"} 1e308"))
	f.Add([]byte("npu_chip_info_process_info{id=\"0\",process_id=\"-1\"} -1 99999999999999999"))
	f.Fuzz(func(t *testing.T, text []byte) {
		families, _, err := prom.Parse(text)
		if err != nil {
			return
		}
		p, err := parse(families)
		if err != nil {
			return
		}
		if len(p.chips) == 0 || len(p.chips) > mostChips {
			t.Fatalf("%d devices and no error", len(p.chips))
		}
		for i, c := range p.chips {
			if i > 0 && p.chips[i-1].values.Index >= c.values.Index {
				t.Error("indexes are not in order")
			}
			if c.device.Kind == "" || len(c.device.Processes) > mostProcesses {
				t.Errorf("%+v", c.device)
			}
			for q, x := range c.values.Of {
				var again device.Values
				if again.Set(q, x); len(again.Of) != 1 {
					t.Errorf("%s cannot be %v", q, x)
				}
			}
		}
	})
}
