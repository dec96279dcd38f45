package profiling

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"weir/runtime/result"
	"weir/runtime/transport"
)

// levels are those of Ascend's profilers, which /start_profile of the AscendCloud-LLM
// packages takes.
var levels = []string{"Level_none", "Level0", "Level1", "Level2"}

const (
	vllmMissing = "the service has no profiler: start it with --profiler-config '{\"profiler\":\"torch\",\"torch_profiler_dir\":\"/tmp/trace\"}', " +
		"older versions with VLLM_TORCH_PROFILER_DIR=/tmp/trace, those of the AscendCloud-LLM packages with VLLM_SERVICE_PROFILER_DIR=/tmp/trace"
	sglangMissing = "the service has no profiler: is it an SGLang? It takes its traces' folder from SGLANG_TORCH_PROFILER_DIR, or from outputDir"
)

// common are the options of a service's profiler that all have.
var common = []string{"url", "timeout", "trace", "apiKey", "appCode", "authToken", "headers"}

// VLLM makes the profilers of a vLLM or vLLM-Ascend, one for each of its nodes: { url,
// level, timeout, trace }, and how it is asked. Of a URL what follows the host is left
// out.
func (m Maker) VLLM(of map[string]any, a Access) ([]Profiler, error) {
	o := &options{of: of, dur: m.Duration}
	o.known(slices.Concat([]string{"level"}, common, a.Names)...)
	level := o.text("level")
	query := ""
	if level != "" {
		if !slices.Contains(levels, level) {
			o.fail("option level is %q; it must be one of %s", level, strings.Join(levels, ", "))
		}
		query = "?level=" + url.QueryEscape(level)
	}
	return m.nodes(o, a, remote{trace: result.Trace{Profiler: "vllm", Level: level, Where: o.text("trace")}, missing: vllmMissing}, query, nil)
}

// SGLang makes the profilers of an SGLang, one for each of its nodes: { url, outputDir,
// numSteps, activities, timeout, trace }, and how it is asked.
func (m Maker) SGLang(of map[string]any, a Access) ([]Profiler, error) {
	o := &options{of: of, dur: m.Duration}
	o.known(slices.Concat([]string{"outputDir", "numSteps", "activities"}, common, a.Names)...)
	var body struct {
		OutputDir  string   `json:"output_dir,omitempty"`
		NumSteps   int64    `json:"num_steps,omitempty"`
		Activities []string `json:"activities,omitempty"`
	}
	body.OutputDir, body.NumSteps, body.Activities = o.text("outputDir"), o.whole("numSteps"), o.texts("activities")
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	where := o.text("trace")
	if where == "" {
		where = body.OutputDir
	}
	return m.nodes(o, a, remote{trace: result.Trace{Profiler: "sglang", Where: where}, missing: sglangMissing, endsItself: body.NumSteps > 0}, "", text)
}

// nodes makes a profiler of each URL: services whose prefill and decode are apart have
// to be asked node by node.
func (m Maker) nodes(o *options, a Access, like remote, query string, body []byte) (all []Profiler, err error) {
	like.timeout = o.timeout()
	headers := m.identity(o)
	if !slices.ContainsFunc(headers, func(h transport.Header) bool { return strings.EqualFold(h.Name, "Content-Type") }) {
		headers = append(headers, transport.Header{Name: "Content-Type", Value: "application/json"})
	}
	urls := o.texts("url")
	if len(urls) == 0 {
		o.fail("option url is missing: the service, such as \"http://127.0.0.1:8000\", or a list of its nodes")
	}
	if o.err != nil {
		return nil, o.err
	}
	var bases []string
	for _, raw := range urls {
		base, err := baseOf(raw)
		if err != nil {
			return nil, err
		}
		if slices.Contains(bases, base) {
			continue // another path of the same node
		}
		bases = append(bases, base)
		r := like
		if r.start, err = m.newCall("POST", base+"/start_profile"+query, body, headers, a); err != nil {
			return nil, err
		}
		if r.stop, err = m.newCall("POST", base+"/stop_profile", nil, headers, a); err != nil {
			return nil, err
		}
		r.trace.Target = base
		all = append(all, &r)
	}
	return all, nil
}

// baseOf is a URL up to the first slash after its host, without a user: what a service's
// own paths follow, whichever of them the URL is of.
func baseOf(raw string) (string, error) {
	u, err := transport.ParseURL(raw)
	if err != nil {
		return "", err
	}
	return u.Scheme + "://" + u.Host, nil
}
