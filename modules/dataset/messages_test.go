package dataset_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"weir/modules/dataset"
	"weir/runtime/metrics"
	"weir/runtime/script"
)

const mediaHead = `import { Tokenizer } from "weir/tokenizer"; import * as data from "weir/dataset";
	import { synthetic, images, audio, imageFiles, audioFiles, withMedia, messages, Media, MediaList, Messages, Dataset } from "weir/dataset";
	const tokenizer = new Tokenizer("builtin");
	const prompts = (o = {}) => synthetic({ tokenizer, count: 4, input: 8, output: 3, ...o }); const small = (o = {}) => images({ count: 4, width: 8, height: 6, ...o });
	`

// The media functions as scripts see them.
func TestMediaInScripts(t *testing.T) {
	m := newModules(t)
	evaluate := func(expression, want string) {
		t.Helper()
		_, got, err := m.open(t, mediaHead+"console.log(JSON.stringify("+expression+"));")
		if err != nil || strings.TrimSpace(got) != want {
			t.Errorf("%s prints %q, %v, want %s", expression, got, err, want)
		}
	}
	// lists
	evaluate(`[small().length, small() instanceof MediaList, small()[0] instanceof Media, small().at(-1) instanceof Media]`, `[4,true,true,true]`)
	evaluate(`[typeof small()[4], typeof small()[-1], typeof small().at(9), small().skipped]`, `["undefined","undefined","undefined",0]`)
	evaluate(`new Set([...small()].map((x) => x.toURL())).size`, "4")
	evaluate(`new Set([...small({ same: true })].map((x) => x.toURL())).size`, "1")
	evaluate(`small()[1].toURL() === small({ count: 9 })[1].toURL()`, "true")
	evaluate(`small()[1].toURL() === small({ seed: 1 })[1].toURL()`, "false")

	// media
	evaluate(`Object.entries({ ...small({ format: "png" })[0] })`, `[["bytes",223],["height",6],["kind","image"],["sampleRate",null],["seconds",null],["type","image/png"],["width",8]]`)
	evaluate(`small()[0].toURL().startsWith("data:image/jpeg;base64,/9j/")`, "true")
	evaluate(`small()[0].toURL() === "data:image/jpeg;base64," + small()[0].toBase64()`, "true")
	evaluate(`small()[0].toJSON().image_url.url === small()[0].toURL()`, "true")
	evaluate(`small({ quality: 95 })[0].bytes > small({ quality: 10 })[0].bytes`, "true")
	evaluate(`[...images({ count: 3, sizes: [[3, 4], [5, 6]] })].map((x) => [x.width, x.height])`, "[[3,4],[5,6],[3,4]]")
	evaluate(`[audio({ count: 2, seconds: 0.1 })[0]].map((x) => [x.kind, x.type, x.seconds, x.sampleRate, x.bytes, x.width])`, `[["audio","audio/wav",0.1,16000,3244,null]]`)
	evaluate(`Object.keys(audio({ count: 2, seconds: 0.1, sampleRate: 8000 })[0].toJSON().input_audio)`, `["data","format"]`)

	// prompts with media
	evaluate(`Object.keys(withMedia(prompts(), small())[0])`, `["messages","outputTokens","prompt","promptTokens"]`)
	evaluate(`withMedia(prompts(), small())[0].messages instanceof Messages && withMedia(prompts(), small()) instanceof Dataset`, "true")
	evaluate(`((d) => [d.length, d[1].prompt === prompts()[1].prompt, d[1].outputTokens])(withMedia(prompts(), small()))`, `[4,true,3]`)
	evaluate(`JSON.stringify(withMedia(prompts(), small())[2].messages) === JSON.stringify([{ role: "user", content: [{ type: "text", text: prompts()[2].prompt }, small()[2]] }])`, "true")
	evaluate(`withMedia(prompts(), small(), { perPrompt: 3, mediaFirst: true, system: "Be \"good\"." })[1].messages.toJSON().map((m) => [m.role, typeof m.content == "string" ? m.content : m.content.map((c) => c.type)])`,
		`[["system","Be \"good\"."],["user",["image_url","image_url","image_url","text"]]]`)
	evaluate(`((d) => [0, 1, 2, 3].map((i) => d[i].messages.toJSON()[0].content.slice(1).map((c) => [...small()].findIndex((x) => x.toURL() === c.image_url.url))))(withMedia(prompts(), small(), { perPrompt: 2 }))`,
		"[[0,1],[2,3],[0,1],[2,3]]")
	evaluate(`withMedia(prompts(), [small(), audio({ count: 1, seconds: 0.1 })])[0].messages.toJSON()[0].content.map((c) => c.type)`, `["text","image_url","input_audio"]`)
	evaluate(`withMedia(prompts(), [small()[3], small()[2]])[1].messages.toJSON()[0].content[1].image_url.url === small()[2].toURL()`, "true")
	evaluate(`prompts()[0].messages === undefined`, "true")

	// messages of any form
	evaluate(`JSON.stringify(messages([{ role: "user", content: ["A \"text\"\n", small()[0], { type: "text", text: "b" }], name: "x" }, { role: "assistant", content: "c", extra: undefined, calls: [{ id: 1 }] }]))
		=== JSON.stringify([{ role: "user", content: [{ type: "text", text: "A \"text\"\n" }, small()[0], { type: "text", text: "b" }], name: "x" }, { role: "assistant", content: "c", calls: [{ id: 1 }] }])`, "true")
	evaluate(`messages([{ role: "assistant", content: null }, { role: "user", content: [] }])`, `[{"role":"assistant","content":null},{"role":"user","content":[]}]`)
}

func TestMediaOptionErrors(t *testing.T) {
	m := newModules(t)
	fail := func(call, want string) {
		t.Helper()
		_, _, err := m.open(t, mediaHead+call+";")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "scenario.ts:") {
			t.Errorf("%s: error %v, want one with %q and its place", call, err, want)
		}
	}
	fail(`images()`, "images: the options are undefined, not an object with count, width")
	fail(`images({ count: 1 })`, "images: an image of 0×0 pixels is impossible")
	fail(`images({ count: 1, width: 5 })`, "an image of 5×0 pixels is impossible: width and height must be at least 1")
	fail(`images({ count: 1, width: 0, height: 9 })`, "an image of 0×9 pixels is impossible")
	fail(`images({ count: 1, width: 65536, height: 1 })`, "an image of 65536×1 pixels is too large: width and height may be at most 65535")
	fail(`images({ count: 1, width: 65535, height: 65535 })`, "too large: it may have at most 67108864 in all, such as 8192×8192")
	fail(`images({ count: 1, width: 9007199254740993, height: 1 })`, "too large")
	fail(`images({ count: 1, width: 1.5, height: 1 })`, "width is 1.5, not a whole number")
	fail(`images({ width: 1, height: 1 })`, "count: 0 images is out of range")
	fail(`images({ count: 1, width: 1, height: 1, format: "webp" })`, `format: "webp" is not made here: use "jpeg" or "png"`)
	fail(`images({ count: 1, width: 1, height: 1, format: 5 })`, `format is 5, not a string`)
	fail(`images({ count: 1, width: 1, height: 1, quality: 0 })`, "quality: 0 is out of range (1 to 100)")
	fail(`images({ count: 1, width: 1, height: 1, quality: 50, format: "png" })`, "quality is of JPEG; PNG has none")
	fail(`images({ count: 1, width: 1, sizes: [[1, 1]] })`, "width and height say the same as sizes")
	fail(`images({ count: 1, sizes: [] })`, "no size given")
	fail(`images({ count: 1, sizes: 5 })`, "sizes is 5, not a list such as [[512, 512]")
	fail(`images({ count: 1, sizes: [[1, 2, 3]] })`, "not a list such as")
	fail(`images({ count: 1, sizes: [[1, "2"]] })`, "images: sizes[0]: 1 is 2, not a whole number")
	fail(`images({ count: 1, sizes: [[4, 4], [1, 0]] })`, "an image of 1×0 pixels is impossible")
	fail(`images({ count: 1, width: 1, hight: 1 })`, `there is no option "hight"`)
	fail(`images({ count: 1, width: 1, height: 1, seed: -1 })`, "images: seed: -1 is negative")
	fail(`audio({ count: 1 })`, "a sound of 0 seconds is impossible")
	fail(`audio({ count: 1, seconds: NaN })`, "a sound of NaN seconds is impossible")
	fail(`audio({ count: 1, seconds: 1e9 })`, "a sound of 1e+09 seconds is too long: at 16000 samples per second it may have 2097")
	fail(`audio({ count: 1, seconds: 1, sampleRate: 10 })`, "sampleRate: 10 samples per second is out of range")
	fail(`audio({ count: 1, seconds: 1, format: "mp3" })`, `format: "mp3" is not made here: use "wav"`)
	fail(`imageFiles()`, "imageFiles: the source is undefined, not a path, a URL or a list of them")
	fail(`imageFiles("")`, "the source is , not a path")
	fail(`imageFiles(["a", 5])`, "element 1 of the list is 5, not a path or URL")
	fail(`imageFiles("x", { fields: "y" })`, `there is no option "fields"; there are field, root, limit`)
	fail(`imageFiles("x", { limit: -1 })`, "limit: -1 files is out of range")
	fail(`withMedia(5, small())`, "withMedia: the prompts are 5, not a dataset")
	fail(`withMedia(prompts(), 5)`, "media 0 are 5, not what images(), audio(), imageFiles() or audioFiles() return")
	fail(`withMedia(prompts(), [])`, "there are no media in the list")
	fail(`withMedia(prompts(), [small(), small()[0]])`, "mixes single media with lists of them")
	fail(`withMedia(prompts(), small(), { perPrompt: 0 })`, "perPrompt: 0 is out of range")
	fail(`messages()`, "messages: the argument is undefined, not a list of messages")
	fail(`messages([])`, "not a list of messages")
	fail(`messages(["x"])`, "message 1 is no object with a role")
	fail(`messages([{ role: "user", content: [() => 1] }])`, "message 1: content: part 1: a function cannot be written as JSON")
	fail(`new Media()`, "Media cannot be constructed by scripts")
	fail(`imageFiles("https://example.com/a.jpg")[0].toBase64()`, "weir does not have its data")
}

// A file that is not there is a wrong setting, no fault of the script.
func TestMissingFileIsNoFaultOfTheScript(t *testing.T) {
	_, _, err := newModules(t).open(t, mediaHead+`imageFiles("nowhere.jpg");`)
	if wrong, ok := errors.AsType[*script.ParamError](err); !ok || !strings.Contains(wrong.Hint, "relative paths start at the script's folder") {
		t.Errorf("error %#v, want one about a parameter", err)
	}
}

// The JSON is what a service gets: valid, and appended to what is there.
func TestAppendMessages(t *testing.T) {
	prompts := mustMake(t, dataset.Synthetic{Tokenizer: builtin(t), Count: 3, Input: dataset.Fixed(6), Output: dataset.Fixed(2)})
	list, err := dataset.Images{Count: 6, Sizes: []dataset.Size{{16, 16}}, Format: "jpeg", Quality: 75}.Make(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	d, err := prompts.WithMedia([]*dataset.MediaList{list}, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Len() {
		messages, _ := d.At(i).Chat()
		got, err := messages.AppendMessages([]byte("before"))
		rest, ok := bytes.CutPrefix(got, []byte("before"))
		if err != nil || !ok {
			t.Fatalf("%v, %.10q", err, got)
		}
		url := func(n int) string {
			u, err := list.At(n).AppendURL(nil)
			if err != nil {
				t.Fatal(err)
			}
			return string(u)
		}
		text, _ := json.Marshal(at(d, i).Prompt)
		want := `[{"role":"user","content":[{"type":"text","text":` + string(text) + `},{"type":"image_url","image_url":{"url":"` + url(2*i) +
			`"}},{"type":"image_url","image_url":{"url":"` + url(2*i+1) + `"}}]}]`
		if string(rest) != want {
			t.Errorf("item %d: %s, want %s", i, rest, want)
		}
	}
}

// Runtimes share the media that their init code asks for, and a case's data goes
// from one to another by reference.
func TestMediaAreShared(t *testing.T) {
	m := newModules(t)
	const source = mediaHead + `const d = withMedia(prompts(), small()); export const data = { d, list: small(), one: small()[2], m: d[1].messages };
		export default (x) => JSON.stringify([x.d[1].messages, x.list[2].toURL() === x.one.toURL(), x.m]);`
	var values []any
	var runtimes []*script.Runtime
	for range 2 {
		rt, _, err := m.open(t, source)
		if err != nil {
			t.Fatal(err)
		}
		runtimes = append(runtimes, rt)
		if err := rt.Wait(script.Task{Op: "setup", Run: func(*goja.Runtime) (goja.Value, error) { return rt.Export("data"), nil }}, func(v goja.Value) error {
			detached, err := rt.Detach(v)
			values = append(values, detached)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := values[0].(*script.Object).Get("list"), values[1].(*script.Object).Get("list"); a != b {
		t.Error("the runtimes have lists of their own, want one")
	}
	var texts []string
	for _, rt := range runtimes {
		call := func(*goja.Runtime) (goja.Value, error) {
			f, _ := goja.AssertFunction(rt.Export("default"))
			return f(goja.Undefined(), rt.Attach(values[0]))
		}
		if err := rt.Wait(script.Task{Op: "iteration", Run: call}, func(v goja.Value) error { texts = append(texts, v.String()); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if len(texts) != 2 || texts[0] != texts[1] || !strings.Contains(texts[0], `]}],true,[{"role":"user"`) {
		t.Errorf("the runtimes see %.200q", texts)
	}
}

// Media are not made in iterations, whose measurement it would disturb; messages are.
func TestNotInIterations(t *testing.T) {
	rt, _, err := newModules(t).open(t, mediaHead+`export const list = small(); export const slow = () => small({ count: 2 }); export const quick = () => messages([{ role: "user", content: [list[0]] }]);`)
	if err != nil {
		t.Fatal(err)
	}
	call := func(name string, value any) error {
		return rt.Wait(script.Task{Op: "iteration", Value: value, Run: func(*goja.Runtime) (goja.Value, error) {
			f, _ := goja.AssertFunction(rt.Export(name))
			return f(goja.Undefined())
		}}, nil)
	}
	it := &metrics.Iteration{}
	if err := call("slow", it); err == nil || !strings.Contains(err.Error(), "images: this takes long") {
		t.Errorf("error %v, want that it takes long", err)
	}
	if err := call("slow", nil); err != nil {
		t.Errorf("in plan: %v", err)
	}
	if err := call("quick", it); err != nil {
		t.Errorf("messages: %v", err)
	}
}

// What takes long says how far it is.
func TestProgressIsTold(t *testing.T) {
	m := newModules(t)
	m["weir/dataset"] = dataset.New().Impatient()
	_, console, err := m.open(t, mediaHead+`images({ count: 8, width: 400, height: 400 });`)
	if err != nil || !strings.Contains(console, "images: 0 of 8 are made\n") {
		t.Errorf("%q, %v", console, err)
	}
	// Of a file that is read at once there is nothing to tell.
	path := write(t, "trace.jsonl", mooncake)
	_, console, err = m.open(t, `import { read } from "weir/dataset"; read("`+path+`", { prompts: "none" });`)
	if err != nil || strings.Contains(console, "MB are read") {
		t.Errorf("%q, %v", console, err)
	}
}

// calls is a module with one function.
type calls func()

func (f calls) Exports(*script.Runtime) (map[string]any, error) {
	return map[string]any{"call": func(goja.FunctionCall) goja.Value { f(); return goja.Undefined() }}, nil
}

// A run that is interrupted does not wait for the media of its init code.
func TestMediaOfAnInterruptedRun(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	m := newModules(t)
	m["weir/test"] = calls(cancel)
	rt, err := m.load(t, `import { call } from "weir/test";`+mediaHead+`call(); images({ count: 100000, width: 1000, height: 1000 });`, io.Discard).NewRuntime(ctx, 0)
	if err == nil {
		rt.Close()
	}
	if !errors.Is(err, script.ErrInterrupted) {
		t.Errorf("error %v, want that it was interrupted", err)
	}
}

// A request costs one read of the store.
func BenchmarkAppendMessages(b *testing.B) {
	prompts := mustMake(b, dataset.Synthetic{Tokenizer: builtin(b), Count: 100, Input: dataset.Fixed(100), Output: dataset.Fixed(2)})
	list, err := dataset.Images{Count: 100, Sizes: []dataset.Size{{1024, 1024}}, Format: "jpeg", Quality: 75}.Make(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	d, err := prompts.WithMedia([]*dataset.MediaList{list}, 1)
	if err != nil {
		b.Fatal(err)
	}
	var buffer []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		messages, _ := d.At(i % 100).Chat()
		if buffer, err = messages.AppendMessages(buffer[:0]); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(buffer)))
	}
}
