package docs_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
	"github.com/klauspost/compress/zstd"

	"weir/cmd"
	"weir/docs"
	"weir/docs/schematest"
	"weir/runtime/result"
	"weir/runtime/result/resulttest"
)

// enums are the values of texts that have a fixed set of them. Others may get more in a
// newer weir without a new schema: kinds of errors, rules, metrics, backends.
var enums = map[string][]any{
	"Result.verdict":   {"", result.Valid, result.Suspect, result.Invalid}, // "": as long as no case has ended
	"Metric.kind":      {"distribution", "counter", "rate", "gauge", "goodput"},
	"Metric.estimator": {"exact", "hdr"},
	"ErrorGroup.scope": {"request", "iteration"},
	"Case.window":      {result.WindowAll, result.WindowSteady},
	"Finding.status":   {"ok", "warn", "fail", "skip"},
	"Energy.method":    {"power", "counter", "mixed"},
	"Device.kind":      {"npu", "gpu", "host"},
	"DeviceUse.kind":   {"npu", "gpu", "host"},
	"Request.kind":     {"llm", "http", "pooling"},
	"Request.stamp":    {"kernel", "user", "mixed"},
	"TokenCount.source": {
		"usage", "tokenizer", "events",
	},
	"Sample.kind": {"npu", "gpu", "host", "service"},
	"Tokens.of":   {"iterations", "data"},
	"InspectedParam.from": {
		"default", "file", "env", "flag", "bundle", "result",
	},
}

// schema makes the schema of a Go type.
func schema(t *testing.T, name, title string, v any) string {
	t.Helper()
	r := &jsonschema.Reflector{
		AllowAdditionalProperties: true, // a newer weir may say more
		Mapper: func(of reflect.Type) *jsonschema.Schema {
			if of == reflect.TypeFor[result.Verdict]() {
				return &jsonschema.Schema{Type: "string", Enum: []any{result.Valid, result.Suspect, result.Invalid}}
			}
			return nil
		},
	}
	folders := []string{"../runtime/result"}
	if name == "inspect" {
		folders = append(folders, "../runtime", "../cmd")
	}
	for _, folder := range folders {
		if err := r.AddGoComments("weir/docs", folder, jsonschema.WithFullComment()); err != nil {
			t.Fatal(err)
		}
	}
	s := r.Reflect(v)
	s.ID = jsonschema.ID(fmt.Sprintf("urn:weir:schema:%s:%d", name, result.Schema))
	s.Title = title
	finish(s, reflect.TypeOf(v).Elem(), map[reflect.Type]bool{})
	if of := map[string]string{"result": "Result", "inspect": "Inspection"}[name]; of != "" {
		version, _ := s.Definitions[of].Properties.Get("schema")
		version.Const = result.Schema
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

// finish adds to the definition of a type, and of those in it, what its Go type does not
// say: which values there are, and which may be null.
func finish(s *jsonschema.Schema, of reflect.Type, done map[reflect.Type]bool) {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		finish(s, of.Elem(), done)
		return
	case reflect.Struct:
	default:
		return
	}
	definition := s.Definitions[of.Name()]
	if done[of] || definition == nil { // time.Time has none
		return
	}
	done[of] = true
	for field := range of.Fields() {
		name, option, _ := strings.Cut(field.Tag.Get("json"), ",")
		property, ok := definition.Properties.Get(name)
		if !ok {
			continue
		}
		if values := enums[of.Name()+"."+name]; values != nil {
			property.Enum = values
		}
		if field.Type.Kind() == reflect.Pointer && option != "omitempty" {
			same := *property
			same.Description = ""
			definition.Properties.Set(name, &jsonschema.Schema{AnyOf: []*jsonschema.Schema{&same, {Type: "null"}}, Description: property.Description})
		}
		finish(s, field.Type, done)
	}
}

// The published schemas are those of the Go types.
func TestSchemas(t *testing.T) {
	f := func(name, title string, v any) {
		t.Helper()
		got, path := schema(t, name, title, v), name+".schema.json"
		if flag.Lookup("update").Value.String() == "true" {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("docs/%s is not that of the Go types any more: go test ./docs -run TestSchemas -update rewrites it. If a reader of the old one would misread what is written now, result.Schema has to change, too", path)
		}
	}
	f("result", "result.json of weir run", &result.Result{})
	f("record", "a line of records.jsonl.zst and requests.jsonl.zst", &result.Request{})
	f("telemetry", "a line of telemetry.jsonl.zst", &result.Sample{})
	f("inspect", "what weir inspect --json prints", &cmd.Inspection{})
	for of := range enums {
		if !strings.Contains(of, ".") {
			t.Errorf("%s names no field", of)
		}
	}
	if _, err := docs.Schema("nothing"); err == nil {
		t.Error("there is a schema of nothing")
	}
}

// Results with everything in them are as the schema says, and wrong ones are refused.
func TestSchemaOfResults(t *testing.T) {
	whole := func(change func(map[string]any)) []byte {
		r := resulttest.Troubled()
		r.Thresholds = []result.Threshold{{Metric: "ttft{rate:9}", Expr: "avg<1", Note: "no case has rate 9"}}
		r.Cases[0].Goodput = &result.Goodput{Missed: map[string]int64{"failed": 0}}
		text, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		var document map[string]any
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		change(document)
		if text, err = json.Marshal(document); err != nil {
			t.Fatal(err)
		}
		return text
	}
	first := func(d map[string]any) map[string]any { return d["cases"].([]any)[0].(map[string]any) }
	f := func(change func(map[string]any), want string) {
		t.Helper()
		err := schematest.Validate("result", whole(change))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f(func(map[string]any) {}, "")
	f(func(d map[string]any) { d["ended"] = nil }, "")                                // while it runs
	f(func(d map[string]any) { d["new"], first(d)["new"] = 1, map[string]any{} }, "") // of a newer weir

	f(func(d map[string]any) { d["schema"] = 2 }, "schema")
	f(func(d map[string]any) { delete(d, "cases") }, "cases")
	f(func(d map[string]any) { d["cases"] = nil }, "cases")
	f(func(d map[string]any) { d["verdict"] = "GOOD" }, "verdict")
	f(func(d map[string]any) { d["started"] = "yesterday" }, "started")
	f(func(d map[string]any) { first(d)["duration_s"] = nil }, "duration_s")
	f(func(d map[string]any) { first(d)["counts"].(map[string]any)["requests"] = 1.5 }, "requests")
	f(func(d map[string]any) { first(d)["validity"].(map[string]any)["verdict"] = "" }, "verdict")
	f(func(d map[string]any) {
		first(d)["metrics"].(map[string]any)["ttft"].(map[string]any)["kind"] = "trend"
	}, "kind")
	f(func(d map[string]any) { first(d)["metrics"].(map[string]any)["ttft"].(map[string]any)["p99"] = "3" }, "p99")

	if err := schematest.Validate("result", []byte(`{"schema": 1`)); err == nil {
		t.Error("half a text is valid")
	}
}

// A record and a sample that lack what they must have are refused.
func TestSchemaOfLines(t *testing.T) {
	f := func(name, text string, ok bool) {
		t.Helper()
		if err := schematest.Validate(name, []byte(text)); (err == nil) != ok {
			t.Errorf("%s %s: %v", name, text, err)
		}
	}
	record := `{"case":1,"case_name":"a","scenario":"default","iteration":0,"vu":0,"kind":"llm","started_unix_ns":1,"reused":true,"bytes_out":1,"bytes_in":2,"status":200,"stamp":"user"}`
	f("record", record, true)
	f("record", strings.Replace(record, `"llm"`, `"grpc"`, 1), false)
	f("record", strings.Replace(record, `"case":1,`, ``, 1), false)
	sample := `{"unix_ns":1,"case":0,"source":"npu-smi","kind":"npu","index":0,"values":{"power_w":300}}`
	f("telemetry", sample, true)
	f("telemetry", strings.Replace(sample, `300`, `"300"`, 1), false)
}

// All files of a run are looked at, to their last line.
func TestValidateRun(t *testing.T) {
	dir := t.TempDir()
	f := func(file, text, want string) {
		t.Helper()
		if strings.HasSuffix(file, ".zst") {
			w, err := zstd.NewWriter(nil)
			if err != nil {
				t.Fatal(err)
			}
			text = string(w.EncodeAll([]byte(text), nil))
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		err := schematest.ValidateRun(dir)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
	if err := schematest.ValidateRun(dir); err == nil {
		t.Error("an empty folder is a run")
	}
	whole, err := resulttest.Troubled().Encode()
	if err != nil {
		t.Fatal(err)
	}
	sample := `{"unix_ns":1,"case":0,"source":"npu-smi","kind":"npu","index":0,"values":{}}` + "\n"
	f(result.FileName, `{}`, "schema")
	f(result.FileName, string(whole), "")
	f(result.SamplesName, sample+sample, "")
	f(result.SamplesName, sample+`{"unix_ns":1}`+"\n", "telemetry")
	f(result.SamplesName, sample+`{"unix_ns":`, "EOF")
	f(result.SamplesName, sample, "")
	f(result.RecordsName, sample, "records.jsonl.zst")
}
