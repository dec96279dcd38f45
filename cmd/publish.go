package cmd

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"weir/runtime"
	"weir/runtime/publish"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/transport"
)

// publishFlags say where the metrics of a run are pushed to while it goes on. What is
// secret comes from the environment, so that no command line shows it.
type publishFlags struct {
	prometheus string
	otel       string
	interval   time.Duration
}

func (f *publishFlags) flags(fs *pflag.FlagSet) {
	fs.StringVar(&f.prometheus, "prometheus-write", "", "`URL` of a receiver of Prometheus' remote-write that metrics are pushed to while the run goes on, such as http://127.0.0.1:9090/api/v1/write; WEIR_PROMETHEUS_USERNAME, _PASSWORD, _BEARER_TOKEN and _HEADERS say who pushes")
	fs.StringVar(&f.otel, "otel", "", "`URL` of an OpenTelemetry receiver (OTLP over HTTP) that metrics are pushed to, such as http://127.0.0.1:4318; auto: what OTEL_EXPORTER_OTLP_ENDPOINT says. The other OTEL_EXPORTER_OTLP_… variables count for both")
	fs.DurationVar(&f.interval, "publish-interval", publish.DefaultInterval, "between two pushes")
}

// Limits of --publish-interval.
const (
	leastPublish = 100 * time.Millisecond
	mostPublish  = time.Hour
)

func (f *publishFlags) check() error {
	if f.interval < leastPublish || f.interval > mostPublish {
		return fmt.Errorf("--publish-interval is %v; it must be from %v to %v", f.interval, leastPublish, mostPublish)
	}
	return nil
}

// startPublishing makes sure that the receivers which flags name take what is pushed.
func (s *session) startPublishing(ctx context.Context, loaded *script.Script) (err error) {
	f := &s.flags.publish
	if f.prometheus == "" && f.otel == "" {
		return nil
	}
	c := publish.Config{Interval: f.interval, Run: runID(loaded.Name), Script: loaded.Name, Version: thisVersion().Version, Hub: s.hub}
	if s.flags.instance.of > 0 {
		c.Share = s.flags.instance.String()
	}
	if f.prometheus != "" {
		if c.Prometheus, err = prometheusOf(f.prometheus); err != nil {
			return err
		}
	}
	if f.otel != "" {
		c.OTLP = &publish.OTLP{URL: f.otel, LookupEnv: os.LookupEnv}
	}
	s.publisher, err = publish.Start(ctx, c)
	return err
}

// runID names a run as nobody else does: results of several machines may come together.
func runID(script string) string {
	var own [3]byte
	rand.Read(own[:])
	return script + "-" + time.Now().Format("20060102-150405") + "-" + hex.EncodeToString(own[:])
}

// prometheusOf is the receiver at a URL, with what the environment says of it.
func prometheusOf(url string) (*publish.Prometheus, error) {
	of := func(name string) string { return os.Getenv("WEIR_PROMETHEUS_" + name) }
	p := &publish.Prometheus{URL: url, Username: of("USERNAME"), Password: of("PASSWORD"), BearerToken: of("BEARER_TOKEN")}
	if (p.Username != "" || p.Password != "") && p.BearerToken != "" {
		return nil, errors.New("WEIR_PROMETHEUS_BEARER_TOKEN and WEIR_PROMETHEUS_USERNAME or _PASSWORD are both set: give one of them")
	}
	var err error
	if p.Headers, err = headersOf(of("HEADERS")); err != nil {
		return nil, fmt.Errorf("WEIR_PROMETHEUS_HEADERS: %w", err)
	}
	if p.TLS, err = tlsOf(of); err != nil {
		return nil, err
	}
	return p, nil
}

// headersOf reads headers such as "X-Scope-OrgID:team, X-Extra:1". No message shows a value.
func headersOf(text string) (http.Header, error) {
	headers := http.Header{}
	if strings.TrimSpace(text) == "" {
		return headers, nil
	}
	for i, part := range strings.Split(text, ",") {
		name, value, ok := strings.Cut(part, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok {
			return nil, fmt.Errorf("header %d has no colon: write it such as X-Scope-OrgID:team, several with commas", i+1)
		}
		if err := transport.CheckHeader(name, value); err != nil {
			return nil, err
		}
		headers.Add(name, value)
	}
	return headers, nil
}

// tlsOf are the certificates that the environment names; nil: the system's alone.
func tlsOf(of func(name string) string) (*tls.Config, error) {
	c, given := &tls.Config{}, false
	if file := of("CA"); file != "" {
		given = true
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("WEIR_PROMETHEUS_CA: %w", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("WEIR_PROMETHEUS_CA: %s has no certificate in PEM", file)
		}
	}
	if cert, key := of("CLIENT_CERT"), of("CLIENT_KEY"); cert != "" || key != "" {
		given = true
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("WEIR_PROMETHEUS_CLIENT_CERT, WEIR_PROMETHEUS_CLIENT_KEY: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if text := of("INSECURE"); text != "" {
		insecure, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("WEIR_PROMETHEUS_INSECURE is %q; it must be true or false", text)
		}
		c.InsecureSkipVerify, given = insecure, given || insecure
	}
	if !given {
		return nil, nil
	}
	return c, nil
}

// follow has a case shown and published.
func (s *session) follow(v runtime.CaseView) (done func()) {
	shown := s.watch(v)
	if v.Warmup {
		return shown
	}
	published := s.publisher.Begin(publish.Case{
		Name: v.Name, Number: v.Number, Of: v.Of, Scenario: v.Scenario, Tags: v.Tags, Live: v.Live,
		Iterations: func() (result.Counts, int64) {
			p := v.Progress()
			return result.Counts{
				Scheduled: p.Scheduled, Started: p.Started, Completed: p.Completed, IterationFailed: p.Failed,
				Interrupted: p.Interrupted, Dropped: p.Dropped, Late: p.Late,
			}, p.Running
		},
	})
	return func() {
		published()
		shown()
	}
}

// publishCases tells of the cases that have ended since the last time.
func (s *session) publishCases(r *result.Result) {
	for ; s.published < len(r.Cases); s.published++ {
		s.publisher.Ended(r.Cases[s.published], s.published+1)
	}
}

// endPublishing pushes what is left, and tells what was not taken. That is no fault of
// the run: its result is whole.
func (s *session) endPublishing(ctx context.Context, refused bool) {
	all := s.publisher.Close(ctx)
	if len(all) == 0 || refused {
		return
	}
	s.report.Published = all
	_ = s.save(s.report) // finish tells of it
	for _, p := range all {
		if p.Failed+p.Dropped == 0 {
			continue
		}
		flag := map[string]string{"prometheus": "--prometheus-write", "otlp": "--otel"}[p.To]
		fmt.Fprintf(s.stderr, "weir: %s %s: %d of %d pushes did not arrive", flag, p.URL, p.Failed+p.Dropped, p.Pushes+p.Failed+p.Dropped)
		if p.Error != "" {
			fmt.Fprintf(s.stderr, "; the first one that failed: %s", p.Error)
		}
		fmt.Fprintln(s.stderr, "\n  the result is whole")
	}
}
