package dataset_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// inPlan runs a piece of a script where plan runs, in a new folder with prompts.jsonl and
// talk.json, and returns what it prints.
func inPlan(t *testing.T, source string) (console string, err error) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"prompts.jsonl": `{"timestamp_ms": 5, "prompt": "Say <b>\u2028é</b> & \"no\"", "output": "no.", "session": "s", "turn": 1, "delay_ms": 7.5, "model": "m", "kind": "k"}
{"timestamp_ms": 9, "system": "Be short.", "prompt": "Why?", "output_tokens": 4}
`,
		"talk.json": `[{"conversations": [{"from": "human", "value": "a b c"}, {"from": "gpt", "value": "d"}, {"from": "human", "value": "e"}, {"from": "gpt", "value": "f"}]}]`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	rt, err := newModules(t).load(t, `import { Tokenizer } from "weir/tokenizer"; import { images, read, save, synthetic, withMedia } from "weir/dataset";
		const tokenizer = new Tokenizer("builtin"), here = "`+dir+`/";
		const of = (name, options) => read(here + name, { tokenizer, ...options });
		const lines = (data) => { for (const d of data) console.log(JSON.stringify(d)); };
		export function plan() { `+source+` }`, &out).NewRuntime(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	err = rt.Wait(script.Task{Op: "plan", Run: func(*goja.Runtime) (goja.Value, error) {
		f, _ := goja.AssertFunction(rt.Export("plan"))
		return f(goja.Undefined())
	}}, nil)
	return out.String(), err
}

// What is written is what is read again.
func TestSave(t *testing.T) {
	file := func(source, want string) {
		t.Helper()
		if _, err := inPlan(t, source); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile("out")
		if err != nil || string(got) != want {
			t.Errorf("%s writes\n%s%v, want\n%s", source, got, err, want)
		}
		if left, _ := filepath.Glob(".*"); len(left) > 0 {
			t.Errorf("%s leaves %q", source, left)
		}
	}
	file(`save("out", of("prompts.jsonl"));`, `{"timestamp_ms":0,"prompt_tokens":20,"output_tokens":2,"session":"s","turn":1,"delay_ms":7.5,"model":"m","kind":"k","prompt":"Say <b>`+"\u2028"+`é</b> & \"no\"","output":"no."}
{"timestamp_ms":4,"prompt_tokens":6,"output_tokens":4,"system":"Be short.","prompt":"Why?"}
`)
	file(`save("out", of("prompts.jsonl"), { format: "openai" });`, `{"messages":[{"role":"user","content":"Say <b>`+"\u2028"+`é</b> & \"no\""},{"role":"assistant","content":"no."}],"max_tokens":2,"timestamp":0,"model":"m"}
{"messages":[{"role":"system","content":"Be short."},{"role":"user","content":"Why?"}],"max_tokens":4,"timestamp":0.004}
`)
	file(`save("out", of("talk.json"), { format: "openai" });`,
		`{"messages":[{"role":"user","content":"a b c"},{"role":"assistant","content":"d"},{"role":"user","content":"e"},{"role":"assistant","content":"f"}]}
`)
	file(`save("out", of("prompts.jsonl").slice(0, 1), { format: "vllm-custom" });`, `{"prompt":"Say <b>`+"\u2028"+`é</b> & \"no\"","output_tokens":2}
`)
	file(`save("out", of("talk.json", { firstExchange: true }), { format: "custom" });`, `[
{"input":"a b c","output":"d","instruction":"NA"}
]
`)
	file(`save("out", of("prompts.jsonl").slice(0, 0), { format: "custom" });`, "[\n]\n")
	file(`save("out", of("prompts.jsonl").slice(0, 0));`, "")
	file(`save("out", of("talk.json", { firstExchange: true })); save("out", of("out").slice(0, 0), { exclusive: false });`, "")

	again := func(format string) {
		t.Helper()
		got, err := inPlan(t, `const t = (count, n, seed) => synthetic({ tokenizer, count, input: { mean: n, std: n / 4 }, output: 1, seed });
			const data = save("out", () => t(20, 40, 1).withAnswers(t(20, 12, 2)), { format: "`+format+`", mode: 0o600 });
			const seen = of("out", "`+format+`" === "vllm-custom" ? {} : { outputSpecialTokens: true });
			console.log(seen.format, data.length, [...seen].every((d, i) => d.prompt === data[i].prompt && d.promptTokens === data[i].promptTokens && d.outputTokens === data[i].outputTokens
				&& (d.output === null || d.output === data[i].output && tokenizer.count(d.output) === d.outputTokens)));`)
		if err != nil || got != format+" 20 true\n" {
			t.Errorf("%s: %q, %v", format, got, err)
		}
		if info, err := os.Stat("out"); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: the mode is %v, %v; want 0600", format, info.Mode(), err)
		}
	}
	for _, format := range []string{"weir", "openai", "vllm-custom", "custom"} {
		again(format)
	}
}

func TestSaveErrors(t *testing.T) {
	fail := func(source, want string) {
		t.Helper()
		_, err := inPlan(t, source)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", source, err, want)
		}
		if left, _ := filepath.Glob(".*"); len(left) > 0 {
			t.Errorf("%s leaves %q", source, left)
		}
	}
	fail(`save("prompts.jsonl", () => { throw new Error("made"); });`, "create prompts.jsonl: the file exists and is not overwritten")
	fail(`save("out", () => { throw new Error("made"); });`, "made")
	fail(`save("nowhere/out", of("prompts.jsonl"));`, "write nowhere/out: no such file or directory")
	fail(`save(here, of("prompts.jsonl"), { exclusive: false });`, "it is no regular file")
	fail(`save("out", [1]);`, "save: the data is 1, not a dataset")
	fail(`save("out", () => 1);`, "save: the data is 1, not a dataset")
	fail(`save("", of("prompts.jsonl"));`, "save: the path is")
	fail(`save("out", of("prompts.jsonl"), { format: "customs" });`, `there is no format "customs" to write: there are weir, custom, openai, vllm-custom; did you mean "custom"?`)
	fail(`save("out", of("prompts.jsonl"), { mode: 0o1000 });`, "mode is 512")
	fail(`save("out", of("prompts.jsonl"), { overwrite: true });`, `there is no option "overwrite"`)
	fail(`save("out", of("prompts.jsonl"), { format: "custom" });`, `item 1: it has no recorded output, which format "custom" needs`)
	fail(`save("out", of("prompts.jsonl"), { format: "vllm-custom" });`, "item 1: it has a message of the system")
	fail(`save("out", of("talk.json"));`, `item 0 is a conversation, of which format "weir" has only the first question: use format "openai"`)
	fail(`save("out", withMedia(of("prompts.jsonl"), images({ count: 1, width: 2, height: 2 })));`, "images and sounds cannot be written with a dataset")
	fail(`of("prompts.jsonl").withAnswers(of("talk.json"));`, "withAnswers: there are 1 answers for 2 items")
	fail(`of("prompts.jsonl").withAnswers([]);`, "withAnswers: the answers are")
	if _, _, err := newModules(t).open(t, `import { save } from "weir/dataset"; save("out", () => 1);`); err == nil || !strings.Contains(err.Error(), "save: init code runs once in every JavaScript runtime") {
		t.Errorf("in init code: %v", err)
	}
}
