package dataset_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/modules/dataset"
	"weir/modules/dataset/reader"
	"weir/modules/tokenizer"
)

func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustRead(t testing.TB, r dataset.Reading) *dataset.Dataset {
	t.Helper()
	d, err := r.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// rejections is what was not taken, in words.
func rejections(d *dataset.Dataset) []string {
	var out []string
	for _, r := range d.Source().Rejected {
		lines := ""
		for _, f := range r.First {
			lines += fmt.Sprintf(" %d", f.Line)
		}
		out = append(out, fmt.Sprintf("%d %s:%s", r.Count, r.Reason, lines))
	}
	return out
}

// words is a text of n words that the tokenizer has as one token each.
func words(n int) string { return strings.TrimSpace(strings.Repeat(" time", n)) }

// custom is a file of items with prompts and outputs of so many words.
func custom(t testing.TB, lengths ...[2]int) string {
	t.Helper()
	var items []map[string]string
	for _, l := range lengths {
		items = append(items, map[string]string{"input": words(l[0]), "output": words(l[1])})
	}
	text, err := json.Marshal(items)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "custom.json", strings.ReplaceAll(string(text), "},{", "},\n{"))
}

// The rules of benchmark_serving.py, row by row: fewer than 4 tokens, a prompt that is too long,
// an output that is shortened so that both together are not too long.
func TestPruning(t *testing.T) {
	tok := builtin(t)
	path := custom(t, [2]int{3, 10}, [2]int{4, 3}, [2]int{4, 4}, [2]int{90, 10}, [2]int{91, 10}, [2]int{90, 11}, [2]int{60, 50}, [2]int{60, 200})
	scripts := dataset.Filter{MinPrompt: 4, MinOutput: 4, MaxPrompt: 90, MaxTotal: 100, Clamp: true}
	d := mustRead(t, dataset.Reading{Path: path, Tokenizer: tok, Filter: scripts})
	var got [][2]int
	for i := range d.Len() {
		got = append(got, [2]int{at(d, i).PromptTokens, at(d, i).OutputTokens})
	}
	if want := [][2]int{{4, 4}, {90, 10}, {90, 10}, {60, 40}, {60, 40}}; !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
	if want := []string{"1 prompt of fewer than 4 tokens: 1", "1 output of fewer than 4 tokens: 2", "1 prompt of more than 90 tokens: 5"}; !slices.Equal(rejections(d), want) {
		t.Errorf("dropped %q, want %q", rejections(d), want)
	}

	// As static samples ShareGPT: nothing is shortened.
	scripts.MaxTotal, scripts.Clamp = 100, false
	d = mustRead(t, dataset.Reading{Path: path, Tokenizer: tok, Filter: scripts})
	if d.Len() != 2 || !slices.Contains(rejections(d), "3 prompt and output of more than 100 tokens: 6 7 8") {
		t.Errorf("%d are left, dropped %q", d.Len(), rejections(d))
	}

	// The same by the dataset's own method, when it was read whole.
	whole := mustRead(t, dataset.Reading{Path: path, Tokenizer: tok})
	scripts.Clamp = true
	again := whole.Filter(scripts)
	if again.Len() != 5 || whole.Len() != 8 || at(again, 3).OutputTokens != 40 || at(whole, 6).OutputTokens != 50 {
		t.Errorf("filter keeps %d of %d", again.Len(), whole.Len())
	}
}

// Lengths are counted with or without the special tokens around a text, as asked.
func TestCounting(t *testing.T) {
	tok := withSpecials(t, true)
	path := custom(t, [2]int{5, 6})
	for _, row := range []struct {
		r      dataset.Reading
		prompt int
		output int
	}{
		{dataset.Reading{Tokenizer: tok}, 7, 6},
		{dataset.Reading{Tokenizer: tok, OutputSpecialTokens: true}, 7, 8},
		{dataset.Reading{Tokenizer: tok, NoSpecialTokens: true}, 5, 6},
		{dataset.Reading{Tokenizer: tok, Output: &dataset.Length{Mean: 33}}, 7, 33},
		{dataset.Reading{}, 0, 0},
	} {
		row.r.Path = path
		d := mustRead(t, row.r)
		if it := at(d, 0); it.PromptTokens != row.prompt || it.OutputTokens != row.output || it.Prompt != words(5) {
			t.Errorf("%+v: %+v, want %d and %d", row.r, it, row.prompt, row.output)
		}
	}
}

// A sample is one of all rows that the filter lets pass, the same for the same seed; a
// smaller one begins the larger.
func TestSampling(t *testing.T) {
	tok := builtin(t)
	var lengths [][2]int
	for i := range 2000 {
		lengths = append(lengths, [2]int{i%50 + 1, 5})
	}
	path := custom(t, lengths...)
	sample := func(n int, seed uint64) []int {
		d := mustRead(t, dataset.Reading{Path: path, Tokenizer: tok, Filter: dataset.Filter{MinPrompt: 11}, Sample: n, Seed: seed})
		var out []int
		for i := range d.Len() {
			out = append(out, at(d, i).PromptTokens)
		}
		return out
	}
	large, small := sample(1000, 1), sample(300, 1)
	if len(large) != 1000 || !slices.Equal(small, large[:300]) || slices.Equal(small, sample(300, 2)) {
		t.Error("samples of one seed differ, or those of two do not")
	}
	sum, least := 0, large[0]
	for _, n := range large {
		sum += n
		least = min(least, n)
	}
	// 11 to 50, each as often: a mean of 30.5, with a standard error of less than 0.37.
	if mean := float64(sum) / 1000; least < 11 || mean < 28.6 || mean > 32.4 {
		t.Errorf("mean %.1f, least %d", mean, least)
	}

	_, err := dataset.Reading{Path: path, Tokenizer: tok, Filter: dataset.Filter{MinPrompt: 11}, Sample: 1601}.Read(context.Background())
	if err == nil || !strings.Contains(err.Error(), "only 1600 of the 1601 items") || !strings.Contains(err.Error(), "400 × prompt of fewer than 11 tokens") {
		t.Errorf("%v", err)
	}

	if d := mustRead(t, dataset.Reading{Path: path, Limit: 7}); d.Len() != 7 || at(d, 6).Prompt != words(7) {
		t.Errorf("limit 7 gives %d", d.Len())
	}
	shuffled := mustRead(t, dataset.Reading{Path: path, Shuffle: true, Seed: 3})
	if a, b := prompts(shuffled), prompts(mustRead(t, dataset.Reading{Path: path})); slices.Equal(a, b) || !slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))) {
		t.Error("shuffling does not give another order of the same")
	}
}

const mooncake = `{"timestamp": 27482, "input_length": 600, "output_length": 52, "hash_ids": [46, 47]}
{"timestamp": 30535, "input_length": 1500, "output_length": 26, "hash_ids": [46, 47, 2353]}
{"timestamp": 31535, "input_length": 1024, "output_length": 26, "hash_ids": [46, 5]}
{"timestamp": 32000, "input_length": 5000, "output_length": 26, "hash_ids": [46, 5]}
{"timestamp": 40000, "input_length": 513, "output_length": 1, "hash_ids": [7, 8]}
`

// Prompts of hash ids: exact lengths, equal tokens for equal ids, other ones for others.
func TestPromptsOfHashIDs(t *testing.T) {
	path := write(t, "trace.jsonl", mooncake)
	for name, tok := range map[string]*tokenizer.Tokenizer{"plain": builtin(t), "special tokens around": withSpecials(t, true)} {
		d := mustRead(t, dataset.Reading{Path: path, Tokenizer: tok, Seed: 9})
		if d.Len() != 4 || d.Inexact() != 0 || len(rejections(d)) != 1 {
			t.Fatalf("%s: %d items, %d inexact, %q", name, d.Len(), d.Inexact(), rejections(d))
		}
		var ids [][]int
		for i := range d.Len() {
			got, err := tok.Encode(at(d, i).Prompt, true)
			if err != nil || len(got) != at(d, i).PromptTokens {
				t.Errorf("%s: item %d has %d tokens, not %d: %v", name, i, len(got), at(d, i).PromptTokens, err)
			}
			ids = append(ids, got)
		}
		if !slices.Equal(ids[0][:599], ids[1][:599]) || !slices.Equal(ids[0][:512], ids[2][:512]) {
			t.Errorf("%s: equal ids do not give equal tokens", name)
		}
		if slices.Equal(ids[1][513:1023], ids[2][513:1023]) || slices.Equal(ids[0][1:100], ids[3][1:100]) {
			t.Errorf("%s: other ids give the same tokens", name)
		}
		other := mustRead(t, dataset.Reading{Path: path, Tokenizer: tok, Seed: 10})
		if at(other, 0).Prompt == at(d, 0).Prompt {
			t.Errorf("%s: another seed gives the same prompts", name)
		}
	}
}

// The id of a last block that is not full may be missing: what is behind the blocks is the prompt's own.
func TestPromptsBehindTheirBlocks(t *testing.T) {
	path := write(t, "trace.jsonl", `{"timestamp_ms": 0, "prompt_tokens": 70, "output_tokens": 1, "hash_ids": [1, 2], "block_size": 32}
{"timestamp_ms": 1, "prompt_tokens": 95, "output_tokens": 1, "hash_ids": [1, 2], "block_size": 32}
`)
	tok := builtin(t)
	d := mustRead(t, dataset.Reading{Path: path, Tokenizer: tok})
	a, _ := tok.Encode(at(d, 0).Prompt, true)
	b, _ := tok.Encode(at(d, 1).Prompt, true)
	if len(a) != 70 || len(b) != 95 || !slices.Equal(a[:64], b[:64]) || slices.Equal(a[64:], b[64:70]) {
		t.Errorf("%d and %d tokens: %v, %v", len(a), len(b), a, b)
	}
}

// The window of a trace, and times from its begin.
func TestTraceWindow(t *testing.T) {
	path := write(t, "trace.jsonl", mooncake)
	script := func(options, want string) {
		t.Helper()
		m := newModules(t)
		_, got, err := m.open(t, `import { read } from "weir/dataset";
			const d = read("`+path+`", { `+options+` }); console.log(JSON.stringify([d.timestamps(), [...d].map((i) => [i.promptTokens, i.outputTokens])]));`)
		if err != nil || strings.TrimSpace(got) != want {
			t.Errorf("%s: %s, %v, want %s", options, got, err, want)
		}
	}
	script(`prompts: "none"`, `[[0,3053,4053,12518],[[600,52],[1500,26],[1024,26],[513,1]]]`)
	script(`prompts: "none", from: "3s", to: "5s"`, `[[53,1053],[[1500,26],[1024,26]]]`)
	script(`prompts: "none", limit: 2, maxPromptTokens: 1200`, `[[0,4053],[[600,52],[1024,26]]]`)
	script(`prompts: "none", minPromptTokens: 1000`, `[[0,1000],[[1500,26],[1024,26]]]`)
	script(`prompts: "none", to: "3s"`, `[[0],[[600,52]]]`)
	script(`prompts: "none", timeUnit: "1s", limit: 2`, `[[0,3053000],[[600,52],[1500,26]]]`)
}

// Rows far before the window are not kept, and count: it begins at its time of the whole trace.
func TestWindowOfALongTrace(t *testing.T) {
	var rows strings.Builder
	for hour := range 30 {
		fmt.Fprintf(&rows, `{"timestamp": %d, "input_length": %d, "output_length": 1, "hash_ids": [%d]}`+"\n", (100+hour)*3600e3, 100+hour, hour)
	}
	path := write(t, "trace.jsonl", rows.String())
	d := mustRead(t, dataset.Reading{Path: path, NoPrompts: true, From: 20 * time.Hour, To: 22 * time.Hour})
	if n := d.Len(); n != 2 || at(d, 0).PromptTokens != 120 || at(d, 1).PromptTokens != 121 {
		t.Errorf("%d items, the first of %d tokens, want those of 120 and 121", n, at(d, 0).PromptTokens)
	}
	_, err := dataset.Reading{Path: path, NoPrompts: true, From: 100 * time.Hour}.Read(context.Background())
	if want := "it has no rows from 100h0m0s on: the trace lasts 29h0m0s"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

// Rows come in the order of their times; what only has a delay stays behind the row before it.
func TestOrderOfATrace(t *testing.T) {
	path := write(t, "trace.jsonl", `{"timestamp_ms":50,"prompt":"third","output_tokens":1}
{"timestamp_ms":20,"prompt":"first","output_tokens":1,"session":"a"}
{"delay_ms":5,"prompt":"second","output_tokens":1,"session":"a"}
{"timestamp_ms":90,"prompt":"fourth","output_tokens":1}
`)
	if got, want := prompts(mustRead(t, dataset.Reading{Path: path})), []string{"first", "second", "third", "fourth"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Turns that only have a delay go where their conversation's begin goes.
func TestFollowers(t *testing.T) {
	path := write(t, "trace.jsonl", `{"timestamp_ms":100000,"prompt_tokens":10,"output_tokens":1,"session":"b"}
{"timestamp_ms":99000,"prompt_tokens":2000,"output_tokens":1,"session":"a"}
{"delay_ms":5,"prompt_tokens":20,"output_tokens":1,"session":"a","turn":1}
{"delay_ms":5,"prompt_tokens":30,"output_tokens":1,"session":"b","turn":1}
{"timestamp_ms":102000,"prompt_tokens":40,"output_tokens":1,"session":"c"}
`)
	m := newModules(t)
	script := func(options, want string) {
		t.Helper()
		_, got, err := m.open(t, `import { read } from "weir/dataset"; const d = read("`+path+`", { prompts: "none", `+options+` });
			console.log(JSON.stringify([d.sessions().timestamps(), [...d.sessions()].map((s) => [...s].map((i) => i.promptTokens)), d.rejected.map((r) => r.count + " " + r.reason)]));`)
		if err != nil || strings.TrimSpace(got) != want {
			t.Errorf("%s: %s, %v, want %s", options, got, err, want)
		}
	}
	script(``, `[[0,1000,3000],[[2000,20],[10,30],[40]],[]]`)
	script(`from: "1s"`, `[[0,2000],[[10,30],[40]],[]]`)
	script(`to: "3s"`, `[[0,1000],[[2000,20],[10,30]],[]]`)
	script(`from: "1s", limit: 1`, `[[0],[[10]],[]]`)
	script(`maxPromptTokens: 1000`, `[[0,2000],[[10,30],[40]],["1 prompt of more than 1000 tokens","1 the begin of its conversation was not taken"]]`)
	for options, want := range map[string]string{
		`sample: 2`:           "single ones cannot be drawn",
		`shuffle: true`:       "single ones cannot be drawn",
		`from: "1h"`:          "the trace lasts",
		`atLeast: 1`:          "atLeast is for a sample",
		`limit: 1, sample: 1`: "give one of them",
	} {
		_, _, err := m.open(t, `import { read } from "weir/dataset"; read("`+path+`", { prompts: "none", `+options+` });`)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", options, err, want)
		}
	}
	_, _, err := m.open(t, `import { read } from "weir/dataset"; read("`+path+`", { prompts: "none" }).timestamps();`)
	if err == nil || !strings.Contains(err.Error(), "item 1 has no time: it follows another one") {
		t.Errorf("%v", err)
	}
}

// What is drawn for one purpose says nothing about another: lengths of outputs are not those of prompts, and prompts of one
// seed with other lengths do not begin in the same way.
func TestDrawsAreIndependent(t *testing.T) {
	tok := builtin(t)
	normal := dataset.Length{Mean: 300, Std: 50}
	d := mustMake(t, dataset.Synthetic{Tokenizer: tok, Count: 200, Input: normal, Output: dataset.Fixed(1)})
	d, err := d.WithOutput(normal, 0)
	if err != nil {
		t.Fatal(err)
	}
	equal := 0
	for i := range d.Len() {
		if at(d, i).PromptTokens == at(d, i).OutputTokens {
			equal++
		}
	}
	if equal > 12 { // of two independent ones: 200/(2·50·√π), about one
		t.Errorf("%d of 200 outputs are as long as their prompts", equal)
	}
	starts := map[string]bool{}
	for _, n := range []int{30, 31, 60} {
		for _, p := range prompts(mustMake(t, dataset.Synthetic{Tokenizer: tok, Count: 20, Input: dataset.Fixed(n), Output: dataset.Fixed(1)})) {
			starts[p[:60]] = true
		}
	}
	if len(starts) != 60 {
		t.Errorf("%d different starts of 60 prompts", len(starts))
	}
}

// Reading ends soon when its context does, also where every row is rejected.
func TestReadingIsCancelled(t *testing.T) {
	path := write(t, "rows.jsonl", strings.Repeat(`{"prompt":"","output_tokens":1}`+"\n", 200_000))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (dataset.Reading{Path: path, Reader: reader.Options{Format: "vllm-custom"}}).Read(ctx); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("%v", err)
	}
}

// What a trace had in common is there again when it was saved and read.
func TestSavedTraceKeepsItsBlocks(t *testing.T) {
	d := mustRead(t, dataset.Reading{Path: write(t, "trace.jsonl", mooncake), NoPrompts: true})
	path := filepath.Join(t.TempDir(), "saved.jsonl")
	if err := d.Save(context.Background(), path, dataset.Saving{}); err != nil {
		t.Fatal(err)
	}
	want, _ := d.Reuse()
	if got, ok := mustRead(t, dataset.Reading{Path: path, NoPrompts: true}).Reuse(); !ok || got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Items of files as scripts see them.
func TestReadInScripts(t *testing.T) {
	sharegpt := write(t, "sharegpt.json", `[
	{"id":"1","conversations":[{"from":"human","value":"What is a weir?"},{"from":"gpt","value":"A low dam."}]},
	{"id":"2","conversations":[{"from":"system","value":"Be brief."},{"from":"human","value":"Hello there"},{"from":"gpt","value":"Hi."},{"from":"human","value":"And then?"},{"from":"gpt","value":"Nothing."}]},
	{"id":"3","conversations":[{"from":"human","value":"only"}]}]`)
	chats := write(t, "chats.jsonl", `{"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}],"max_tokens":5}`)
	ours := write(t, "ours.jsonl", `{"timestamp_ms":5,"prompt":"a b","output_tokens":3,"session":"x","turn":0}
{"timestamp_ms":7,"prompt":"other","output_tokens":3}
{"timestamp_ms":8,"prompt":"c","output_tokens":4,"session":"x","turn":1,"delay_ms":1500}
`)
	m := newModules(t)
	evaluate := func(expression, want string) {
		t.Helper()
		_, got, err := m.open(t, `import { Tokenizer } from "weir/tokenizer"; import { read, mix, synthetic, formats } from "weir/dataset"; const tokenizer = new Tokenizer("builtin");
			const sharegpt = read("`+sharegpt+`", { tokenizer }), chats = read("`+chats+`"), ours = read("`+ours+`");
			console.log(JSON.stringify(`+expression+`));`)
		if err != nil || strings.TrimSpace(got) != want {
			t.Errorf("%s prints %q, %v, want %s", expression, got, err, want)
		}
	}
	evaluate(`[sharegpt.length, sharegpt.format, chats.format, ours.format]`, `[2,"sharegpt","openai","weir"]`)
	plain := write(t, "plain.jsonl", `{"prompt":"alone","output_tokens":3}`)
	evaluate(`[read("`+plain+`")[0]].map((i) => [i.at, i.system, i.session, i.turns, i.turn])[0]`, `[null,null,null,null,0]`)
	evaluate(`sharegpt.rejected.map((r) => [r.count, r.first[0].line])`, `[[1,4]]`)
	evaluate(`[sharegpt[1].prompt, sharegpt[1].output, sharegpt[1].system, sharegpt[0].system, sharegpt[0].turns]`, `["Hello there","Hi.","Be brief.",null,null]`)
	evaluate(`[sharegpt[1].promptTokens === tokenizer.count("Be brief.") + tokenizer.count("Hello there"), sharegpt[0].outputTokens === tokenizer.count("A low dam.")]`, `[true,true]`)
	evaluate(`sharegpt[1].turns.map((t) => t.role + " " + t.content)`, `["user Hello there","assistant Hi.","user And then?","assistant Nothing."]`)
	evaluate(`[chats[0].messages, chats[0].prompt, chats[0].outputTokens]`, `[[{"role":"system","content":"s"},{"role":"user","content":"u"}],"u",5]`)
	evaluate(`[...ours.sessions()].map((s) => [...s].map((i) => [i.prompt, i.turn, i.delay, i.at]))`, `[[["a b",0,null,0],["c",1,1500,3]],[["other",0,null,2]]]`)
	evaluate(`ours.sessions().timestamps()`, `[0,2]`)
	evaluate(`ours.stats().outputTokens.sum`, `10`)
	evaluate(`[...mix({ a: sharegpt, b: { data: chats, weight: 0 } }, { count: 3 })].map((i) => i.part + " " + i.prompt)`, `["a What is a weir?","a Hello there","a What is a weir?"]`)
	evaluate(`[...sharegpt.withSystem("Be kind.")].map((i) => i.system + i.prompt)`, `["Be kind.What is a weir?","Be kind.Hello there"]`)
	evaluate(`[...sharegpt.withSystem({ tokens: 30, tokenizer })].map((i) => [tokenizer.count(i.system), i.promptTokens - tokenizer.count(i.prompt)])`, `[[30,30],[30,30]]`)
	evaluate(`[...sharegpt.withOutput({ distribution: "uniform", min: 5, max: 5 })].map((i) => i.outputTokens)`, `[5,5]`)
	evaluate(`[sharegpt.slice(-1)[0].prompt, sharegpt.slice(0, 1).length, sharegpt.cycle(5).length, sharegpt.cycle(5)[4].prompt]`, `["Hello there",1,5,"What is a weir?"]`)
	evaluate(`[...synthetic({ tokenizer, count: 50, like: sharegpt })].every((i) => [...sharegpt].some((s) => s.promptTokens === i.promptTokens && s.outputTokens === i.outputTokens))`, `true`)
	evaluate(`formats.filter((f) => f.trace).map((f) => f.name).includes("mooncake")`, `true`)
	evaluate(`sharegpt === read("`+sharegpt+`", { tokenizer }) || sharegpt[0].prompt`, `"What is a weir?"`)
}

func TestReadErrors(t *testing.T) {
	trace := write(t, "trace.jsonl", mooncake)
	bad := write(t, "bad.json", `[{"input":"a","output":"b"},{"input":`)
	m := newModules(t)
	fail := func(call, want string) {
		t.Helper()
		_, _, err := m.open(t, `import { read, mix, synthetic } from "weir/dataset"; import { Tokenizer } from "weir/tokenizer"; const tokenizer = new Tokenizer("builtin"); `+call+`;`)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", call, err, want)
		}
	}
	fail(`read("/does/not/exist.json")`, "/does/not/exist.json")
	fail(`read(5)`, "read: the path is 5")
	fail(`read("`+bad+`")`, bad)
	fail(`read("`+trace+`")`, "lengths and no texts")
	fail(`read("`+trace+`", { format: "nonsense" })`, "nonsense")
	fail(`read("`+trace+`", { tokenizer, minPromptTokens: 9000 })`, "none of its rows is left")
	fail(`read("`+trace+`", { tokenizer, sample: 40 })`, "only 4 of the 40 items")
	fail(`read("`+trace+`", { tokenizer, from: "5s", to: "4s" })`, "is not after from")
	fail(`read("`+trace+`", { tokenizer, maxPromptTokens: -1 })`, "maxPromptTokens: -1")
	fail(`read("`+trace+`", { prompts: "some" })`, `it is "made" or "none"`)
	fail(`read("`+trace+`", { prompt: "none" })`, `there is no option "prompt"`)
	fail(`read("`+trace+`", { prompts: "none" }).sample(9)`, "9 items cannot be drawn from 4")
	fail(`read("`+trace+`", { prompts: "none" }).withSystem({ tokens: 5 })`, "need a tokenizer")
	fail(`read("`+trace+`", { prompts: "none" }).filter((i) => i)`, "filter: the options are")
	fail(`read("`+trace+`", { prompts: "none" }).cycle(9).sessions()`, "take the sessions before")
	fail(`read("`+trace+`", { prompts: "none" }).cycle(9).timestamps()`, "was mixed or repeated")
	fail(`synthetic({ tokenizer, count: 1, input: 50, output: 1, prefix: { groups: 2 } })`, "tokens is undefined")
	fail(`synthetic({ tokenizer, count: 1, input: 50, output: 1, seeds: 1 })`, `did you mean "seed"?`)
	fail(`mix({})`, "mix: the parts are")
	fail(`mix({ a: 1 })`, "mix: a")
	fail(`synthetic({ tokenizer, count: 1, like: read("`+trace+`", { prompts: "none" }), input: 5 })`, "leave input and output out")
	fail(`synthetic({ tokenizer, count: 1, input: { distribution: "normel", mean: 4 }, output: 1 })`, `did you mean "normal"?`)
	fail(`synthetic({ tokenizer, count: 1, input: { distribution: "zipf", max: 4 }, output: 1 })`, "s is undefined, not the exponent")
	fail(`synthetic({ tokenizer, count: 1, input: { distribution: "empirical", file: "none.txt" }, output: 1 })`, "none.txt")
	fail(`synthetic({ tokenizer, count: 1, input: 5, output: 1, template: true })`, "no chat template")
	fail(`synthetic({ tokenizer, count: 1, input: 50, output: 1, prefix: { tokens: 4, groups: 0 } })`, "0 groups is out of range")
}

// Groups of prompts with starts in common: as many as asked, the others with nothing in common.
func TestPrefixGroups(t *testing.T) {
	tok := withSpecials(t, false)
	const n = 2000
	d := mustMake(t, dataset.Synthetic{Tokenizer: tok, Count: n, Input: dataset.Fixed(40), Output: dataset.Fixed(1), Prefix: dataset.Prefix{Tokens: 16, Groups: 4, Share: 0.75}})
	starts := map[string]int{}
	for i := range d.Len() {
		ids, err := tok.Encode(at(d, i).Prompt, true)
		if err != nil || len(ids) != 40 {
			t.Fatalf("prompt %d has %d tokens: %v", i, len(ids), err)
		}
		starts[fmt.Sprint(ids[:16])]++
	}
	shared, groups := 0, 0
	for _, k := range starts {
		if k > 1 {
			groups++
			shared += k
		}
	}
	// Five standard errors of 0.75·2000: 97.
	if groups != 4 || shared < 1500-97 || shared > 1500+97 {
		t.Errorf("%d prompts in %d groups, want about 1500 in 4", shared, groups)
	}

	// Their prefixes are the starts, each once, of those items that there are.
	prefixes, err := d.Prefixes()
	if err != nil || prefixes.Len() != 4 {
		t.Fatalf("%d prefixes, %v; want 4", prefixes.Len(), err)
	}
	for i := range prefixes.Len() {
		ids, err := tok.Encode(at(prefixes, i).Prompt, true)
		if err != nil || len(ids) != 16 || starts[fmt.Sprint(ids)] < 2 || prefixes.At(i).PromptTokens() != 16 {
			t.Errorf("prefix %d has %d tokens (%d are said), and begins %d prompts: %v", i, len(ids), prefixes.At(i).PromptTokens(), starts[fmt.Sprint(ids)], err)
		}
		delete(starts, fmt.Sprint(ids)) // none comes twice
	}
	one, err := d.Slice(0, 1).Prefixes()
	if shares := strings.HasPrefix(at(d, 0).Prompt, at(prefixes, 0).Prompt); err != nil || (one.Len() == 1) != shares {
		t.Errorf("the first item has %d prefixes, %v", one.Len(), err)
	}
}

// Prompts that can be written again are not kept.
func TestPromptsTakeNoMemory(t *testing.T) {
	const n, length = 3000, 500
	d := mustMake(t, dataset.Synthetic{Tokenizer: builtin(t), Count: n, Input: dataset.Fixed(length), Output: dataset.Fixed(1)})
	if kept := dataset.Kept(d); kept > n/100*length*8 {
		t.Errorf("%d bytes of %d prompts are kept", kept, n)
	}
}

// What one is read from can be gone by then, and times are those of the file.
func TestReaderOptionsReachTheReader(t *testing.T) {
	path := write(t, "rows.csv", "frage,antwort,zeit\nWas?,Das.,3\nUnd?,Nichts.,5\n")
	d := mustRead(t, dataset.Reading{Path: path, Reader: reader.Options{Format: "csv", Fields: map[string]string{"prompt": "frage", "output": "antwort", "timestamp": "zeit"}, TimeUnit: time.Second}})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if output, err := d.At(1).Output(); err != nil || output != "Nichts." || at(d, 0).Prompt != "Was?" || d.Source().Format != "csv" {
		t.Errorf("%q, %v", output, err)
	}
}
