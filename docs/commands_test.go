//go:build !race

// The race detector has nothing to find here: one command runs after another.

package docs_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	weir "weir/cmd"
)

// programs are what commands in the documentation start with: what is printed by one does
// not get into a block of commands.
var programs = strings.Fields(`weir make go git sudo apt-get dpkg rpm docker podman buildah curl pass zstd jq python python3 pip
	npm npx tsc check-jsonschema ssh-copy-id ssh scp tar sha256sum install mkdir cd cp mv cat echo test [ : set export source gh oras chmod exec vllm perf sh for if true unzip man complete
	llama-server nvidia-smi npu-smi diff head env id ln printf rm`)

// standIns are files in the place of those that commands read, of as many rows as they want.
var standIns = map[string]string{
	"custom_datasets.json":                      list(`{"input": "` + sentence + `", "output": "` + sentence + `"}`),
	"alpaca_data.json":                          list(`{"instruction": "` + sentence + `", "input": "` + sentence + `", "output": "` + sentence + `"}`),
	"ShareGPT_V3_unfiltered_cleaned_split.json": list(`{"id": "0", "conversations": [{"from": "human", "value": "` + sentence + `"}, {"from": "gpt", "value": "` + sentence + `"}]}`),
	"mooncake_trace.jsonl": `{"timestamp": 0, "input_length": 600, "output_length": 8, "hash_ids": [1, 2]}
{"timestamp": 900000, "input_length": 600, "output_length": 8, "hash_ids": [1, 2]}
`,
}

func list(row string) string { return "[" + strings.Repeat(row+",\n", 1999) + row + "]" }

const sentence = "Why is the sky blue at noon, and red in the evening?"

// written are the commands that are run as they are, in a folder of the page: what they
// write is read by others. All else is looked at: nothing is sent.
var written = []string{"new", "bundle"}

// enough are numbers that a scenario makes as many prompts or pixels of; more would only take longer.
var enough = map[string]int{"--height": 64, "--width": 64, "--num-requests": 10, "--prefix-tokens": 32, "--prompt-tokens": 64}

// TestCommands holds that the command lines of weir in the documentation are right: those
// of run have flags, parameters and a plan that weir inspect accepts, the others flags
// that their command has. A scenario that a page does not make is the one that it shows
// above.
func TestCommands(t *testing.T) {
	seen := map[string]bool{} // the pages repeat themselves, in two languages as well
	for _, page := range pages(t) {
		t.Run(filepath.Base(page), func(t *testing.T) {
			p := &reader{t: t, page: page, seen: seen}
			all := blocks(t, page)
			dir := t.TempDir()
			files := maps.Clone(standIns)
			for _, b := range all { // whose first line says that it is a file
				if name := fileName.FindStringSubmatch(b.code); name != nil {
					files[name[1]] = b.code
				}
			}
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			t.Chdir(dir)
			for _, b := range all {
				p.line = b.line
				switch b.language {
				case "ts":
					if !b.fragment() {
						p.scenario = b.code
					}
				case "sh":
					p.commands(b.code)
				case "yaml":
					p.yaml(b.code)
				case "groovy":
					for _, step := range groovyStep.FindAllStringSubmatch(b.code, -1) {
						p.commands(strings.ReplaceAll(step[1]+step[2], `\\`, `\`))
					}
				}
			}
		})
	}
	if len(seen) == 0 {
		t.Error("the documentation has no command of weir: has the way that blocks are marked changed?")
	}
}

// fileName is in the first line of a block that is a file.
var fileName = regexp.MustCompile(`^(?:#|//) ([\w-]+\.(?:ya?ml|json|ts))\n`)

// groovyStep is a shell step of a Jenkinsfile.
var groovyStep = regexp.MustCompile(`(?s)\bsh\s*(?:'''(.+?)'''|'([^'\n]+)')`)

// reader goes through the commands of a page.
type reader struct {
	t        *testing.T
	page     string
	line     int
	scenario string // the last one that the page showed
	seen     map[string]bool
}

func (r *reader) errorf(format string, args ...any) {
	r.t.Helper()
	r.t.Errorf("%s:%d: %s", r.page, r.line, fmt.Sprintf(format, args...))
}

// yaml checks the shell steps of CI systems.
func (r *reader) yaml(code string) {
	var root any
	if err := yaml.Unmarshal([]byte(code), &root); err != nil {
		return // TestCode tells
	}
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if slices.Contains([]string{"run", "script", "before_script", "after_script"}, key) {
					r.steps(v[key])
				}
				walk(v[key])
			}
		}
	}
	walk(root)
}

func (r *reader) steps(value any) {
	switch v := value.(type) {
	case string:
		r.commands(githubExpression.ReplaceAllString(v, "x"))
	case []any:
		for _, e := range v {
			r.steps(e)
		}
	}
}

// githubExpression is filled in before a shell sees it.
var githubExpression = regexp.MustCompile(`\$\{\{.*?\}\}`)

// commands parses shell, and checks what is weir's in it.
func (r *reader) commands(code string) {
	file, err := syntax.NewParser().Parse(strings.NewReader(code), "")
	if err != nil {
		r.errorf("no shell reads this: %v", err)
		return
	}
	values := expand.FuncEnviron(func(name string) string {
		if name == "SCENARIO" {
			return "oci://registry.example/team/chat:v1"
		}
		return "x"
	})
	syntax.Walk(file, func(node syntax.Node) bool {
		call, ok := node.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		words, err := expand.Fields(&expand.Config{Env: values}, call.Args...)
		if err != nil || len(words) == 0 {
			return true // the output of commands is known when they run
		}
		if !slices.Contains(programs, path.Base(words[0])) {
			r.errorf("%q is no command; what a program prints is in a block of ```text", words[0])
		}
		if path.Base(words[0]) == "weir" {
			r.weir(words[1:])
		}
		return true
	})
}

// weir checks a command line.
func (r *reader) weir(args []string) {
	args = slices.DeleteFunc(args, func(arg string) bool { return arg == "…" }) // more of the same
	flag := ""
	for i, arg := range args {
		if strings.HasPrefix(arg, "-") {
			flag = arg
		}
		n, _ := strconv.Atoi(arg)
		switch {
		case enough[flag] > 0 && n > enough[flag]:
			args[i] = strconv.Itoa(enough[flag])
		case strings.HasPrefix(arg, "/models/"):
			args[i] = "builtin" // a tokenizer
		case filepath.Base(arg) == "result.json": // of a run; here it has no parameters
			r.write(arg, "{}")
		}
	}
	key := strings.Join(args, "\x00")
	if len(args) == 0 || r.seen[key] {
		return
	}
	command := args[0]
	check := append(slices.Clone(args), "--help")
	if command == "run" || command == "inspect" || command == "bundle" {
		args = r.resolve(args)
	}
	switch {
	case command == "run" && !slices.Contains(args, "--help"):
		check = append([]string{"inspect", "--dry-cases", "1"}, args[1:]...)
	case command == "inspect", slices.Contains(written, command):
		check = args
	}
	r.seen[key] = true
	if slices.ContainsFunc(args, func(arg string) bool { return strings.HasSuffix(arg, ".weir") }) {
		os.Setenv("WEIR_API_KEY", "k") // which no bundle has
		defer os.Unsetenv("WEIR_API_KEY")
	}
	var out bytes.Buffer
	if code := weir.Main(check, &out, &out); code != 0 {
		r.errorf("weir %s: exit code %d of weir %s\n%s", strings.Join(args, " "), code, strings.Join(check, " "), out.Bytes())
	}
}

// resolve puts the page's scenario where the command names one that is not there.
func (r *reader) resolve(args []string) []string {
	args = slices.Clone(args)
	for i, arg := range args[1:] {
		remote := strings.HasPrefix(arg, "oci://") || strings.HasPrefix(arg, "https://")
		script := remote || strings.HasSuffix(arg, ".ts") || strings.HasSuffix(arg, ".weir")
		if !script || strings.HasPrefix(args[i], "-") {
			continue
		}
		if _, err := os.Stat(arg); err == nil {
			break
		}
		if r.scenario == "" {
			r.scenario = standIn
		}
		file := arg
		if remote || strings.HasSuffix(arg, ".weir") {
			file = "scenario.ts"
		}
		r.write(file, r.scenario)
		args[i+1] = file
		break
	}
	return args
}

func (r *reader) write(name, text string) {
	r.t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// standIn is what a page's commands run that shows no scenario.
const standIn = `
import { params } from "weir";
import { Endpoint } from "weir/llm";
const p = params({ url: { default: "http://127.0.0.1:8000", help: "base URL" }, model: { default: "m", help: "model" },
  tokenizer: { default: "builtin", help: "tokenizer" }, users: { default: [1], help: "users" } });
const service = new Endpoint({ url: p.url, model: p.model });
export default async function () { await service.complete("Why?", { maxTokens: 4 }); }
`
