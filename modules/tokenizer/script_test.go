package tokenizer_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"weir/modules/tokenizer"
	"weir/runtime/script"
)

// open runs a script's init code on a new runtime.
func open(t *testing.T, m script.Module, source string) (rt *script.Runtime, console string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scenario.ts")
	if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s, err := script.Load(path, script.Config{
		Modules:   map[string]script.Module{"weir/tokenizer": m},
		LookupEnv: func(string) (string, bool) { return "", false },
		Console:   &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	rt, err = s.NewRuntime(context.Background(), 0)
	if err == nil {
		t.Cleanup(rt.Close)
	}
	return rt, out.String(), err
}

func TestInScripts(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), []byte(withBOS), 0o644); err != nil {
		t.Fatal(err)
	}
	config := `{"bos_token": {"content": "<s>"}, "eos_token": null, "add_bos_token": true, "model_max_length": 4096, "chat_template":
		"{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }};{% endfor %}{% if add_generation_prompt %}{% if enable_thinking is not false %}think;{% endif %}bot:{% endif %}"}`
	if err := os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	m := tokenizer.New()
	defer m.Close()

	evaluate := func(expression, want string) {
		t.Helper()
		_, got, err := open(t, m, `import { Tokenizer } from "weir/tokenizer";
			const builtin = new Tokenizer("builtin"), bos = new Tokenizer(`+"`"+dir+"`"+`);
			console.log(JSON.stringify(`+expression+`));`)
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("%s prints %q, %v, want %s", expression, got, err, want)
		}
	}
	evaluate(`bos.encode("hello world!")`, "[4,1,2,3]")
	evaluate(`bos.encode("hello world!", { addSpecialTokens: false })`, "[1,2,3]")
	evaluate(`bos.encode("hello", {})`, "[4,1]")
	evaluate(`[bos.count("hello world!"), bos.count("hello world!", { addSpecialTokens: false })]`, "[4,3]")
	evaluate(`bos.decode([4, 1, 2])`, `"<s> hello world"`)
	evaluate(`bos.decode([4, 1, 2], { skipSpecialTokens: true })`, `"hello world"`)
	evaluate(`bos.decode(new Uint32Array([1, 2]))`, `"hello world"`)
	evaluate(`bos.decode(new Set([1, 2]))`, `"hello world"`)
	evaluate(`bos.decode([])`, `""`)
	evaluate(`[bos.vocabSize, bos.totalVocabSize, builtin.vocabSize]`, "[4,5,4095]")
	evaluate(`[builtin.path, bos.path.endsWith("tokenizer.json")]`, `["builtin",true]`)
	evaluate(`Array.isArray(bos.encode("hello").map((id) => id + 1))`, "true")
	evaluate(`[bos.encodeBatch(["hello", "", "hello world!"]), bos.encodeBatch(new Set(["hello"]), { addSpecialTokens: false }), bos.encodeBatch([])]`, "[[[4,1],[4],[4,1,2,3]],[[1]],[]]")
	evaluate(`[bos.countBatch(["hello", ""]), bos.countBatch(["hello", ""], { addSpecialTokens: false })]`, "[[2,1],[1,0]]")
	evaluate(`[bos.decodeBatch([[4, 1], new Uint16Array([2])]), bos.decodeBatch([[4, 1]], { skipSpecialTokens: true })]`, `[["<s> hello","world"],["hello"]]`)
	evaluate(`[bos.token(4), bos.token(1), bos.token(5), bos.token(-1), bos.id("hello"), bos.id("<s>"), bos.id("nobody")]`, `["<s>","hello",null,null,1,4,null]`)
	evaluate(`bos.specialTokens`, `[{"id":0,"text":"[UNK]"},{"id":4,"text":"<s>"}]`)
	evaluate(`(() => { const d = builtin.decoder(); return [...builtin.encode("a 🙂!"), -1].map((id) => id < 0 ? d.end() : d.push(id)).join("|"); })()`, `🙂`)
	evaluate(`(() => { const d = bos.decoder({ skipSpecialTokens: true }); return [d.push(4), d.push([1, 2]), d.push([]), d.end()]; })()`, `["","hello world","",""]`)
	evaluate(`[bos.addBosToken, bos.addEosToken, bos.bosToken, bos.eosToken, bos.hasChatTemplate, bos.modelMaxLength, builtin.bosToken]`, `[true,null,"<s>",null,true,4096,null]`)
	evaluate(`bos.applyChatTemplate([{ role: "user", content: "hello" }])`, `"<s>user: hello;think;bot:"`)
	evaluate(`bos.applyChatTemplate([{ role: "user", content: "hello" }], { addGenerationPrompt: false, enableThinking: false })`, `"<s>user: hello;"`)
	evaluate(`bos.applyChatTemplate([{ role: "user", content: null }], { tools: [{ b: 1, a: ["<é>"] }], template: "{{ tools|tojson }}{{ messages[0].content is defined }}" })`, `"[{\"b\": 1, \"a\": [\"<é>\"]}]False"`)
	evaluate(`bos.countChat([{ role: "user", content: "hello" }], { template: "{{ bos_token }}{{ messages[0].content }} world" })`, "3")
	evaluate(`builtin.decode(builtin.encode("a\0b"))`, `"a\u0000b"`)
	evaluate(`builtin.decode(builtin.encode("量水堰 🙂 weir"))`, `"量水堰 🙂 weir"`)

	fail := func(statement, want string) {
		t.Helper()
		_, _, err := open(t, m, `import { Tokenizer } from "weir/tokenizer";
			const t = new Tokenizer("builtin");
			`+statement+`;`)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "scenario.ts:3:") {
			t.Errorf("%s: error %v, want one with %q and its place", statement, err, want)
		}
	}
	fail(`new Tokenizer()`, "the path is undefined, not a string")
	fail(`new Tokenizer("")`, "no path given")
	fail(`new Tokenizer("/does/not/exist")`, "/does/not/exist does not exist")
	fail(`t.encode(5)`, "the text is 5, not a string")
	fail(`t.encode("a", true)`, "the options are true, not an object")
	fail(`t.encode("a", { special: true })`, `there is no option "special"; there is "addSpecialTokens"`)
	fail(`t.encode("a", { addSpecialTokens: 1 })`, "addSpecialTokens is 1, not true or false")
	fail(`t.count("a\0b\x01\x02\x03")`, "NUL character at byte 1")
	fail(`t.encodeBatch("ab")`, "the texts are ab, not an array of strings")
	fail(`t.encodeBatch(["a", 1])`, "item 1 is 1, not a string")
	fail(`t.countBatch(["a", "b\0\x01\x02\x03"])`, "text 1 of 2: encode with tokenizer builtin: the text has a NUL")
	fail(`t.decodeBatch([[1], 2])`, "list 1: the ids are 2, not an array of numbers")
	fail(`t.decodeBatch([[1], [9999]])`, "list 1 of 2: decode with tokenizer builtin: there is no token with id 9999")
	fail(`t.decoder({ skip: true })`, `there is no option "skip"; there is "skipSpecialTokens"`)
	fail(`t.decoder().push(9999)`, "there is no token with id 9999")
	fail(`t.decoder().push("a")`, "the ids are a, not an array of numbers")
	fail(`t.token("a")`, "a is not a token id")
	fail(`t.id(1)`, "the token is 1, not a string")
	fail(`t.applyChatTemplate([{ role: "user" }])`, "it has none: neither tokenizer_config.json nor chat_template.jinja")
	fail(`t.applyChatTemplate("x", { template: "{{ 1 }}" })`, "the messages are x, not an array")
	fail(`t.applyChatTemplate([], { template: "{{ 1 }}" })`, "the list of messages is empty")
	fail(`t.applyChatTemplate(["x"], { template: "{{ 1 }}" })`, "message 0 is not an object")
	fail(`t.applyChatTemplate([{}], { template: "tool_use" })`, `there is no template named "tool_use"`)
	fail(`t.applyChatTemplate([{}], { template: "\n{{ x.y }}" })`, "template:2: undefined value: x.y")
	fail(`t.applyChatTemplate([{}], { template: 1 })`, "the template is 1, not a string")
	fail(`t.applyChatTemplate([{}], { addGenerationPrompt: 1 })`, "addGenerationPrompt is 1, not true or false")
	fail(`t.applyChatTemplate([{ f() {} }], { template: "{{ 1 }}" })`, "function")
	fail(`t.countChat([{}], { template: "{% for x in range(99999) %}{% for y in range(99999) %}{% endfor %}{% endfor %}" })`, "does it have an endless loop?")
	fail(`t.decode()`, "the ids are undefined, not an array")
	fail(`t.decode({})`, "not an array of numbers")
	fail(`t.decode([1, 2.5])`, "item 1 is 2.5, not a token id")
	fail(`t.decode(["a"])`, "item 0 is a, not a token id")
	fail(`t.decode([4096])`, "no token with id 4096")
	fail(`t.decode([NaN])`, "item 0 is NaN")
}

// A tokenizer goes to another runtime by reference, also to one whose script
// has not imported the module.
func TestGoesToOtherRuntimes(t *testing.T) {
	m := tokenizer.New()
	defer m.Close()
	from, _, err := open(t, m, `import { Tokenizer } from "weir/tokenizer";
		export function setup() { return { tokenizer: new Tokenizer("builtin") }; }`)
	if err != nil {
		t.Fatal(err)
	}
	var detached any
	call := func(vm *goja.Runtime) (goja.Value, error) {
		setup, _ := goja.AssertFunction(from.Export("setup"))
		return setup(goja.Undefined())
	}
	if err := from.Wait(script.Task{Op: "setup", Run: call}, func(v goja.Value) (err error) {
		detached, err = from.Detach(v)
		return err
	}); err != nil {
		t.Fatal(err)
	}

	to, _, err := open(t, m, `export default (data) => data.tokenizer.count("Hello");`)
	if err != nil {
		t.Fatal(err)
	}
	use := func(vm *goja.Runtime) (goja.Value, error) {
		count, _ := goja.AssertFunction(to.Export("default"))
		return count(goja.Undefined(), to.Attach(detached))
	}
	if err := to.Wait(script.Task{Op: "iteration", Run: use}, func(v goja.Value) error {
		if v.ToInteger() != 1 {
			t.Errorf("count is %v, want 1", v)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
