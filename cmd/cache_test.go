package cmd

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/runtime/result"
)

// The scenarios replay, prefix-cache and multi-turn against a simulator with a prefix cache: what
// it finds is known exactly.

// cacheSim are the flags of such a simulator, whose prompts cost no time.
const cacheSim = "--sim --sim-prefix-cache --sim-block-size 16 --sim-kv-tokens 1000000 --sim-prefill-rate 0 --sim-ttft 1ms --sim-itl 200us --progress none --out out"

func cachedTokens(c *result.Case) int64 { return total(c, "cached_tokens") }

// total is the sum of a distribution's samples, which are whole numbers.
func total(c *result.Case, metric string) int64 {
	m := c.Metrics[metric]
	if m == nil || m.Avg == nil {
		return 0
	}
	return int64(math.Round(*m.Avg * float64(m.N)))
}

// Requests of a trace have the blocks in common that its hash ids say, in each case anew.
func TestReplayFindsWhatTheTraceShares(t *testing.T) {
	t.Parallel()
	const requests, block = 40, 512
	rng := rand.New(rand.NewPCG(3, 4))
	var trace strings.Builder
	known := map[string]bool{} // starts of prompts, by their ids
	var prompts, cached int64
	for i := range requests {
		var ids []string
		for depth := range rng.IntN(4) { // one of two conversations, each of which goes its way
			ids = append(ids, fmt.Sprint(10*depth+rng.IntN(2)))
			if start := strings.Join(ids, ","); known[start] {
				cached += block
			} else {
				known[start] = true
			}
		}
		length := block*len(ids) + 1 + rng.IntN(block-1)
		ids = append(ids, fmt.Sprint(1000+i)) // the end is its own
		prompts += int64(length)
		fmt.Fprintf(&trace, `{"timestamp": %d, "input_length": %d, "output_length": 2, "hash_ids": [%s]}`+"\n", 100*i, length, strings.Join(ids, ", "))
	}
	path := filepath.Join(t.TempDir(), "trace.jsonl")
	if err := os.WriteFile(path, []byte(trace.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	r := runWeir(t, append(append([]string{"run"}, strings.Fields(cacheSim)...), "replay", "--trace", path, "--speed", "10", "20", "--seed", "1")...)
	checkAllWell(t, r)
	if len(r.Cases) != 2 {
		t.Fatalf("%d cases, want one for each speed", len(r.Cases))
	}
	for _, c := range r.Cases {
		if c.Counts.Requests != requests || total(c, "input_tokens") != prompts || cachedTokens(c) != cached {
			t.Errorf("%s: %d requests, %d of %d prompt tokens were cached; want %d, %d of %d",
				c.Name, c.Counts.Requests, cachedTokens(c), total(c, "input_tokens"), requests, cached, prompts)
		}
	}
}

// A prefix that was sent before is found whole, in just as many prompts as were asked for.
func TestPrefixCacheFindsItsPrefixes(t *testing.T) {
	t.Parallel()
	const requests, groups, prefix, prompt = 60, 3, 64, 100
	flags := fmt.Sprintf("prefix-cache --requests %d --groups %d --prefix-tokens %d --prompt-tokens %d --output-tokens 2 --share 0 0.25 1 --seed 5", requests, groups, prefix, prompt)
	for name, want := range map[string][]int64{
		"":           {0, requests / 4 * prefix, requests * prefix},
		"--no-prime": {0, (requests/4 - groups) * prefix, (requests - groups) * prefix},
	} {
		r := runWeir(t, strings.Fields("run "+cacheSim+" "+flags+" "+name)...)
		checkAllWell(t, r)
		for i, c := range r.Cases {
			if total(c, "input_tokens") != requests*prompt || cachedTokens(c) != want[i] {
				t.Errorf("%s %s: %d of %d prompt tokens were cached, want %d of %d", c.Name, name, cachedTokens(c), total(c, "input_tokens"), want[i], requests*prompt)
			}
		}
	}
}

// Every question finds what was said before it.
func TestConversationsFindTheirHistory(t *testing.T) {
	t.Parallel()
	const users, conversations, turns, question, answer, system, block = 2, 6, 4, 40, 12, 33, 16
	log := filepath.Join(t.TempDir(), "sim.jsonl")
	flags := fmt.Sprintf("multi-turn --users %d --conversations %d --turns %d --prompt-tokens %d --output-tokens %d --system-tokens %d --warmup 0 --think 1ms --sim-log %s",
		users, conversations, turns, question, answer, system, log)
	r := runWeir(t, strings.Fields("run "+cacheSim+" "+flags)...)
	checkAllWell(t, r)
	c := r.Cases[0]
	if n := c.Counts; n.Scheduled != conversations || n.Requests != conversations*turns {
		t.Errorf("%d conversations and %d requests, want %d and %d", n.Scheduled, n.Requests, conversations, conversations*turns)
	}
	for i := range turns {
		for _, metric := range []string{"ttft", "prompt_tokens", "cached_tokens"} {
			name := fmt.Sprintf("_turn_%d_%s", i+1, metric)
			if m := c.Metrics[name]; m == nil || metric != "ttft" && m.N != conversations {
				t.Errorf("%s is %+v", name, m)
			}
		}
	}
	if first := *c.Metrics["_turn_1_prompt_tokens"]; *first.Min != system+question || *first.Max != system+question {
		t.Errorf("first prompts have %v to %v tokens, want %d", *first.Min, *first.Max, system+question)
	}

	file, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	missed := 0 // first questions that did not even find the message of the system
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var request struct {
			Prompt int `json:"prompt_tokens"`
			Cached int `json:"cached_tokens"`
			Output int `json:"output_tokens"`
		}
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			t.Fatal(err)
		}
		before := (request.Prompt - question) / block * block
		switch {
		case request.Output != answer:
			t.Errorf("an answer of %d tokens", request.Output)
		case request.Cached == before:
		case request.Cached == 0 && request.Prompt == system+question:
			missed++
		default:
			t.Errorf("a prompt of %d tokens found %d, want %d", request.Prompt, request.Cached, before)
		}
	}
	if missed != 1 {
		t.Errorf("%d conversations were the first, want 1", missed)
	}
}

// Each case has a message of the system and a warm-up of its own: what it finds does not depend on those before it.
func TestConversationsOfEachCaseAreAlike(t *testing.T) {
	t.Parallel()
	const system, block = 64, 16
	var talks []any
	for i := range 6 {
		talks = append(talks, map[string]any{"conversations": []map[string]string{
			{"from": "human", "value": strings.Repeat(fmt.Sprintf("Question %d? ", i), 20)}, {"from": "gpt", "value": "Yes."},
		}})
	}
	content, err := json.Marshal(talks)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "talks.json")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"--dataset " + path + " --min-turns 1", "--turns 1 --prompt-tokens 40"} {
		for warmup, want := range []int64{0, system / block * block} {
			flags := fmt.Sprintf("multi-turn --users 1 1 --conversations 1 --system-tokens %d --output-tokens 2 --warmup %d --seed 3 %s", system, warmup, from)
			r := runWeir(t, strings.Fields("run "+cacheSim+" "+flags)...)
			checkAllWell(t, r)
			for i, c := range r.Cases {
				if cachedTokens(c) != want {
					t.Errorf("%s: case %d finds %d tokens, want %d: just the message of the system, if the warm-up had it", flags, i+1, cachedTokens(c), want)
				}
			}
		}
	}
}

// An open loop holds the begin of conversations against the schedule, and nothing else.
func TestConversationsBeginOnSchedule(t *testing.T) {
	t.Parallel()
	r := runWeir(t, strings.Fields("run "+cacheSim+" multi-turn --conversation-rate 100 --conversations 10 --turns 3 --prompt-tokens 16 --output-tokens 4")...)
	checkAllWell(t, r)
	c := r.Cases[0]
	if n := c.Counts; n.Scheduled != 10 || n.Requests != 30 || c.Metrics["start_lag"].N != 10 || c.Metrics["ttft_from_schedule"].N > 10 {
		t.Errorf("%+v; %d in start_lag, %d in ttft_from_schedule", n, c.Metrics["start_lag"].N, c.Metrics["ttft_from_schedule"].N)
	}
}

// A turn waits for the answer before it, and then for its pause or its time, whichever the trace has.
func TestReplayKeepsTurnsInOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const speed = 2
	trace := `{"timestamp_ms": 0, "prompt_tokens": 21, "output_tokens": 20, "session": "pause"}
{"timestamp_ms": 1, "prompt_tokens": 22, "output_tokens": 2, "session": "pause", "delay_ms": 60}
{"timestamp_ms": 2, "prompt_tokens": 31, "output_tokens": 20, "session": "at once"}
{"timestamp_ms": 3, "prompt_tokens": 32, "output_tokens": 2, "session": "at once"}
{"timestamp_ms": 4, "prompt_tokens": 41, "output_tokens": 2, "session": "later"}
{"timestamp_ms": 2004, "prompt_tokens": 42, "output_tokens": 2, "session": "later"}
`
	path, log := filepath.Join(dir, "trace.jsonl"), filepath.Join(dir, "sim.jsonl")
	if err := os.WriteFile(path, []byte(trace), 0o600); err != nil {
		t.Fatal(err)
	}
	r := runWeir(t, strings.Fields(fmt.Sprintf("run %s replay --trace %s --speed %d --warmup 0 --sim-log %s", cacheSim, path, speed, log))...)
	checkAllWell(t, r)
	content, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	type request struct {
		Prompt   int   `json:"prompt_tokens"`
		Received int64 `json:"received_unix_ns"`
		Events   []struct {
			Sent float64 `json:"sent_ms"`
		} `json:"events"`
	}
	at := map[int]request{}
	for line := range strings.Lines(string(content)) {
		var q request
		if err := json.Unmarshal([]byte(line), &q); err != nil {
			t.Fatal(err)
		}
		at[q.Prompt] = q
	}
	apart := func(a, b int) float64 { return float64(at[b].Received-at[a].Received) / 1e6 }
	answered := func(a int) float64 { return at[a].Events[len(at[a].Events)-1].Sent } // the end of the answer
	if got, least := apart(21, 22), answered(21)+60/speed; got < least {
		t.Errorf("the turn with a pause came %.1f ms after the one before it, sooner than %.1f", got, least)
	}
	if got, least := apart(31, 32), answered(31); got < least {
		t.Errorf("the turn without a pause came %.1f ms after the one before it, sooner than its answer, %.1f", got, least)
	}
	// What is between two turns begins with the first one's schedule, and not with its receipt.
	if got := apart(41, 42); got < 2000/speed/2 {
		t.Errorf("the turn with a time of its own came %.1f ms after the one before it", got)
	}
}
