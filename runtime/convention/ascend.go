package convention

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strings"
	"time"
)

// AscendCloud-LLM: benchmark_parallel.py of llm_tools/llm_evaluation/benchmark_tools, in
// two generations: packages to 6.3 (Chinese heads, milliseconds, 增量时延) and 6.5
// (English heads, seconds, TPOT). The scripts are not public; what is followed here is
// what is known of benchmark_utils.py, without --num-scheduler-steps and
// --use-spec-decode (docs/ascend.md).

// ascendTimes are its time record of a request after the start: every event with data,
// [DONE] at the end.
func ascendTimes(c *call) []time.Duration {
	if c.whole {
		return []time.Duration{c.end}
	}
	return append(c.events[:len(c.events):len(c.events)], c.end)
}

// ascendCalls are the requests that completed: one that fails is sent again until it
// does, and its clock is set back.
func ascendCalls(l *load) []*call {
	return l.where(func(c *call) bool { return c.ok() && c.started && len(c.events) > 0 })
}

// ascendLengths gives the lengths that the scripts would use: those that were asked for,
// which the tags of weir's own scenarios tell.
func ascendLengths(l *load) (in, out func(*call) float64) {
	in, out = func(c *call) float64 { return float64(c.in) }, func(c *call) float64 { return float64(c.out) }
	if n, ok := l.tag("prompt_tokens"); ok {
		in = func(*call) float64 { return n }
	}
	if n, ok := l.tag("output_tokens"); ok {
		out = func(*call) float64 { return n }
	} else {
		l.note("The script counts the output length that was asked for; neither the records nor the case's tags tell it: what was received was taken.")
	}
	return in, out
}

func ascendNotes(l *load) {
	l.openings(true)
	l.ends("[DONE]")
	if n := len(l.calls) - len(ascendCalls(l)); n > 0 {
		l.note("%s: the script repeats until a request succeeds, so they are left out, and with them what the repetitions would have cost.", requests(n, "failed", "failed"))
	}
}

// ascend63Gaps are its samples of 增量时延, ms: the gaps of all requests that overlap
// no request's prefill, those before [DONE] too; zeros at the beginning are cut off.
func ascend63Gaps(good []*call) samples {
	prefills := slices.Clone(good)
	slices.SortFunc(prefills, func(a, b *call) int { return cmp.Compare(a.begin, b.begin) })
	// latest[i] is when the last of the first i+1 prefills ended.
	latest := make([]time.Duration, len(prefills))
	for i, c := range prefills {
		latest[i] = c.begin + ascendTimes(c)[0]
		if i > 0 {
			latest[i] = max(latest[i], latest[i-1])
		}
	}
	overlaps := func(from, to time.Duration) bool {
		begun := sort.Search(len(prefills), func(i int) bool { return prefills[i].begin > to })
		return begun > 0 && latest[begun-1] >= from
	}
	var gaps samples
	for _, c := range good {
		times := ascendTimes(c)
		for i := 1; i < len(times); i++ {
			if from, to := c.begin+times[i-1], c.begin+times[i]; !overlaps(from, to) {
				gaps = append(gaps, ms(to-from))
			}
		}
	}
	for len(gaps) > 0 && gaps[0] == 0 {
		gaps = gaps[1:]
	}
	return gaps
}

// ascend63Groups are the numbers of the CSV and of the log, in their words.
func ascend63Groups(l *load) []Group {
	good := ascendCalls(l)
	end := func(c *call) time.Duration { return c.end }
	wall := span(good, end)
	_, length := ascendLengths(l)
	ascendNotes(l)
	var ttft samples
	output := 0.0
	for _, c := range good {
		ttft = append(ttft, ms(ascendTimes(c)[0]))
		output += length(c)
	}
	gaps := ascend63Gaps(good)
	if l.partial {
		gaps = nil // the prefills that they must not overlap are not all known
		l.note("增量时延 depends on the prefills of all requests, and cannot be computed from some.")
	}

	rate := l.rows("Throughput", "Output tokens are those that were asked for, whatever was received, over the time from the first start to the last [DONE], pauses between waves included; weir counts what was received.")
	rate.total("所有请求耗时", "s", round(seconds(wall), 4), l.duration())
	rate.total("请求吞吐", "requests/s", round(per(float64(len(good)), wall), 4), l.rate("requests", requestRate))
	rate.total("输出tokens总吞吐", "tokens/s", round(per(output, wall), 4), l.rate("output_tokens", outputRate))
	groups := []Group{rate.Group}
	for _, m := range []struct {
		name, metric, why string
		of                samples
	}{
		{"首tokens时延", "ttft", "To the first chunk of any kind, from before a new connection is opened, or the whole latency where nothing is streamed; weir: to the first text, from the first byte sent, and no sample.", ttft},
		{"增量时延", "itl_decode", "Gaps that overlap no prefill, as weir's itl_decode, but a prefill begins before the connection is opened, those of failed requests do not count, and the gap to [DONE] is one.", gaps},
	} {
		r := l.rows(m.name, m.why)
		for _, s := range []struct{ before, after, stat string }{{"", "TP90", "p90"}, {"", "TP99", "p99"}, {"最大", "", "max"}, {"平均", "", "mean"}} {
			r.add(s.before+m.name+s.after, "ms", round(m.of.stat(s.stat), 4), l.stat(m.metric, s.stat, 1))
		}
		groups = append(groups, r.Group)
	}
	return groups
}

// ascend65Groups are the numbers of the CSV, in its words.
func ascend65Groups(l *load) []Group {
	good := ascendCalls(l)
	wall := span(good, ended)
	prompt, length := ascendLengths(l)
	ascendNotes(l)
	var ttft, tpot, later, second, e2e samples
	input, output := 0.0, 0.0
	known := true
	for _, c := range good {
		times, n := ascendTimes(c), length(c)
		end := times[len(times)-1]
		known = known && c.inKnown
		input += prompt(c)
		output += n
		ttft = append(ttft, seconds(times[0]))
		e2e = append(e2e, seconds(end))
		each := 0.0
		if n > 1 {
			each = seconds(end-times[0]) / (n - 1)
		}
		tpot = append(tpot, each)
		if len(times) > 1 {
			second = append(second, seconds(times[1]-times[0]))
			if n > 2 {
				later = append(later, seconds(end-times[1])/(n-2))
			}
		}
	}
	if _, ok := l.tag("prompt_tokens"); !ok && !known {
		input = math.NaN()
	}
	if few := len(good) - len(later); few > 0 {
		l.note("%s no TPOT_SEC: fewer than three tokens, or not streamed. What the script does with these is not known: left out.", requests(few, "has", "have"))
	}

	rate := l.rows("Throughput", "Tokens are those that were asked for, whatever was received, over the time from the first start to the last [DONE]; weir counts what was received. Rounded to two decimals.")
	rate.total("Total_Token_Throughput", "tokens/s", round(per(input+output, wall), 2), l.rate("total_tokens", totalRate))
	rate.total("Output_Token_Throughput", "tokens/s", round(per(output, wall), 2), l.rate("output_tokens", outputRate))
	rate.total("Total_Time", "s", round(seconds(wall), 3), l.duration())
	rate.total("QPS", "", round(per(float64(len(good)), wall), 2), l.rate("requests", requestRate))
	fails := own{name: "request_failed rate"}
	if m := l.metrics()["request_failed"]; m != nil {
		fails.value = m.Rate
	}
	rate.total("Fail_Rate", "", 0, fails)
	groups := []Group{rate.Group}
	for _, m := range []struct {
		name, metric, stats, why string
		of                       samples
	}{
		{"TTFT", "ttft", "TP75 TP90 TP95 TP99 MAX AVG", "To the first chunk, an empty one of a chat left out, from before a new connection is opened, or the whole latency where nothing is streamed; rounded to a millisecond. weir: from the first byte sent, and no sample.", ttft},
		{"TPOT", "tpot", "TP75 TP90 TP95 TP99 MAX AVG", "([DONE] − first chunk) / (tokens asked for − 1), 0 for one token; rounded to a millisecond, which is a large step for a TPOT. weir: to the last token, by tokens received.", tpot},
		{"TPOT_SEC", "tpot_from_second", "TP90 TP95 TP99 MAX AVG", "([DONE] − second chunk) / (tokens asked for − 2); weir: to the last token.", later},
		{"TIME_BETWEEN_FIRST_AND_SECOND_TOKEN", "ttst", "TP90 TP95 TP99 MIN MAX AVG", "Second chunk − first chunk, as weir's ttst.", second},
		{"E2E", "e2el", "TP75 TP90 TP95 TP99 MAX AVG", "To [DONE], from before a new connection is opened; weir: to the last token, from the first byte sent.", e2e},
	} {
		r := l.rows(m.name, m.why)
		for _, name := range strings.Fields(m.stats) {
			stat := map[string]string{"MIN": "min", "MAX": "max", "AVG": "mean"}[name]
			if p, ok := strings.CutPrefix(name, "TP"); ok {
				stat = "p" + p
			}
			r.add(name+"_"+m.name, "s", round(m.of.stat(stat), 3), l.stat(m.metric, stat, 1e-3))
		}
		groups = append(groups, r.Group)
	}
	return groups
}
