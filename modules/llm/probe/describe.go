package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/modules/llm"
	"weir/runtime/prom"
	"weir/runtime/result"
)

const (
	describeLimit = 3 * time.Second         // of all that a service is asked
	answerLimit   = 1500 * time.Millisecond // of each answer: after two that do not come, no more is asked

	maxFlags     = 400  // that are kept; so the next two
	maxFlagText  = 1000 // bytes of a value
	maxFlagDepth = 4    // of values within values
	maxModels    = 100
)

// Describe asks a service what it says of itself: its version, models, limits and
// launch flags. It takes GETs alone (and Triton's list of models), one after another,
// over connections that are none of the load's, and at most 3 s. What kept it from
// telling is in the answer. Any goroutine may call it.
func Describe(ctx context.Context, s *llm.Service) result.Service {
	asked := time.Now()
	bounded, cancel := context.WithTimeout(ctx, describeLimit)
	defer cancel()
	client := s.Apart()
	defer client.Close()
	base, err := url.Parse(s.URL)
	if err != nil { // it was made of one
		base = new(url.URL)
	}
	told := &settings{redact: s.Redact}
	p := &prober{
		cfg: Config{Timeout: answerLimit}, at: &target{base: base}, client: client, service: s, told: told,
		hide: strings.NewReplacer(), result: &Result{URL: s.URL},
	}
	err = p.discover(bounded)
	if err == nil && p.kind != nil {
		err = p.more(bounded)
	}
	return p.described(s, asked, err, bounded.Err() != nil && ctx.Err() == nil)
}

// more asks for what only the kind of the server tells, and only a description needs.
func (p *prober) more(ctx context.Context) error {
	for _, path := range p.kind.tells {
		known := func(g Get) bool { return g.Path == path }
		// Newer servers of a kind have the second path instead of the first.
		if slices.ContainsFunc(p.result.Gets, known) || path == "/server_info" && len(p.told.flags) > 0 {
			continue
		}
		read := readNothing
		if i := slices.IndexFunc(ways, func(w way) bool { return w.path == path }); i >= 0 {
			read = ways[i].read
		}
		if err := p.get(ctx, path, read); err != nil {
			return err
		}
	}
	return nil
}

// readNothing is for what only settings look at.
func readNothing(*prober, []byte) {}

// described is what was found out.
func (p *prober) described(s *llm.Service, asked time.Time, err error, late bool) result.Service {
	r := p.result
	d := result.Service{
		URL: s.URL, Backend: s.Backend, Asked: asked,
		Kind: r.Service.Kind, Name: r.Service.Name, Version: flagText(s.Redact(r.Service.Version)), Server: s.Redact(r.Service.Server),
		Cache: p.told.cache,
	}
	for _, m := range r.Models[:min(len(r.Models), maxModels)] {
		d.Models = append(d.Models, result.ServiceModel{Name: flagText(s.Redact(m.Name)), MaxModelLen: m.MaxModelLen, Root: flagText(s.Redact(m.Root))})
	}
	if r.Limits != (Limits{}) {
		limits := result.ServiceLimits(r.Limits)
		d.Limits = &limits
	}
	for name, value := range p.told.flags {
		if d.Flags == nil {
			d.Flags = make(map[string]string, len(p.told.flags))
		}
		d.Flags[name] = value
	}
	var unusable *Error
	switch {
	case late:
		d.Error = fmt.Sprintf("it had not answered everything after %v", describeLimit)
	case errors.As(err, &unusable):
		d.Error = s.Redact(unusable.Message)
	case err != nil:
		d.Error = s.Redact(err.Error())
	}
	return d
}

// settings are what a server tells of how it was set up. They belong to one prober.
type settings struct {
	redact func(string) string // takes the secrets of our requests out
	flags  map[string]string
	cache  map[string]string
}

// take keeps what is told at a path.
func (s *settings) take(path string, body []byte) {
	path, _, _ = strings.Cut(path, "?")
	switch path {
	case "/get_server_info", "/server_info", "/get_model_info", "/info", "/props", "/v1/config":
		s.object(body)
	case "/metrics":
		s.metrics(body)
	}
}

// object takes the values of a JSON object, those of objects within it by their path.
func (s *settings) object(body []byte) {
	if len(body) == 0 || body[0] != '{' {
		return
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // a number is kept as it was written
	var all map[string]any
	if d.Decode(&all) != nil {
		return
	}
	// vLLM's has besides what it runs on, which is longer than all the rest.
	if config, ok := all["vllm_config"]; ok {
		environment := all["vllm_env"]
		if within, ok := config.(map[string]any); ok {
			all = within
		} else { // its text, of versions that have nothing else
			all = map[string]any{"vllm_config": config}
		}
		if environment != nil {
			all["vllm_env"] = environment
		}
	}
	s.values("", all, 0)
}

func (s *settings) values(prefix string, all map[string]any, depth int) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if within, ok := all[name].(map[string]any); ok {
			if depth < maxFlagDepth {
				s.values(prefix+name+".", within, depth+1)
			}
			continue
		}
		// A text of several lines is a chat template.
		if text, ok := scalar(all[name]); ok && !strings.Contains(text, "\n") {
			s.set(prefix+name, text)
		}
	}
}

// set keeps a flag; the first value of a name stays.
func (s *settings) set(name, value string) {
	if value == "" || len(name) > 200 {
		return
	}
	if result.SecretName(name) {
		value = result.Hidden
	}
	if s.flags == nil {
		s.flags = make(map[string]string)
	}
	if _, had := s.flags[name]; !had && len(s.flags) < maxFlags {
		s.flags[name] = flagText(s.redact(value))
	}
}

// scalar is a value as a flag has it; lists have blanks between. False for what has
// objects in it, and for null, which says that the flag was not given.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	case []any:
		var parts []string
		for _, item := range v {
			text, ok := scalar(item)
			if !ok {
				return "", false
			}
			if parts = append(parts, text); len(parts) > maxFlags {
				break
			}
		}
		return strings.Join(parts, " "), true
	}
	return "", false
}

// flagText is a text of moderate length, without a user and a password and without the
// values of what is called like a secret in it, as in a command line.
func flagText(text string) string {
	text = strings.ToValidUTF8(result.HideAssigned(result.HideLogin(text)), "")
	if len(text) > maxFlagText {
		text = strings.ToValidUTF8(text[:maxFlagText], "") + "…"
	}
	return text
}

// metrics takes the labels of vLLM's metric that is there for nothing but them.
func (s *settings) metrics(page []byte) {
	families, _, err := prom.Parse(page)
	if err != nil {
		return
	}
	family := families["vllm:cache_config_info"]
	if family == nil || len(family.GetMetric()) == 0 {
		return
	}
	for _, label := range family.GetMetric()[0].GetLabel() {
		if label.GetValue() == "None" || len(s.cache) == maxFlags {
			continue
		}
		if s.cache == nil {
			s.cache = make(map[string]string)
		}
		s.cache[label.GetName()] = flagText(s.redact(label.GetValue()))
	}
}
