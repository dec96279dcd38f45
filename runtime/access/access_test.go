package access_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/runtime/access"
)

// tree makes the folders that the tests read and write, with the working directory in one
// of them, and returns their common folder.
func tree(t *testing.T) string {
	t.Helper()
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{
		"scenario/main.ts", "scenario/data/a.jsonl", "scenario/same.txt", "work/here.txt", "work/same.txt", "work/models/tokenizer.json",
		"work/models/tokenizer_config.json", "result/result.json", "elsewhere/secret", "hub/snapshots/x/README", "hub/blobs/1",
	} {
		write(t, filepath.Join(top, file))
	}
	for link, to := range map[string]string{
		"scenario/out": "../elsewhere/secret", "scenario/folder": "../elsewhere", "scenario/nowhere": "../elsewhere/new",
		"scenario/inside": "data/a.jsonl", "hub/snapshots/x/tokenizer.json": "../../blobs/1", "hub/snapshots/x/out": "../../../elsewhere/secret",
		"result/away": "../elsewhere", "work/link": "../elsewhere",
	} {
		if err := os.Symlink(to, filepath.Join(top, link)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(top, "work"))
	return top
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

// scenario is the access of the script in tree, of a run that names values.
func scenario(top string, r access.Rules, values ...string) *access.Access {
	a := access.New(r)
	a.Script(filepath.Join(top, "scenario/main.ts"), filepath.Join(top, "scenario"))
	a.Out(filepath.Join(top, "result"))
	a.Name("p", values...)
	return a
}

func TestRead(t *testing.T) {
	top := tree(t)
	// want is a path below top, or a part of the refusal after "!".
	f := func(path, want string, values ...string) {
		t.Helper()
		got, err := scenario(top, access.Rules{}, values...).Read(strings.ReplaceAll(path, "TOP", top))
		if refused, ok := strings.CutPrefix(want, "!"); ok {
			var why *access.Refused
			if !errors.As(err, &why) || !strings.Contains(err.Error(), refused) || !strings.Contains(why.Hint, "--allow-read") {
				t.Errorf("%s: %q, %v; want it to be refused with %q and a hint", path, got, err, refused)
			}
			return
		}
		if err != nil || got != filepath.Join(top, want) {
			t.Errorf("%s: %q, %v; want %s", path, got, err, want)
		}
	}
	// the script's folder, where relative paths start
	f("data/a.jsonl", "scenario/data/a.jsonl")
	f("./data/../data/a.jsonl", "scenario/data/a.jsonl")
	f("TOP/scenario/data", "scenario/data")
	f("missing", "scenario/missing")
	f("inside", "scenario/inside")
	f("../result/result.json", "result/result.json")
	// out of it
	f("../elsewhere/secret", "!neither in the script's folder")
	f("data/../../elsewhere/secret", "!neither in the script's folder")
	f("/etc/passwd", "!neither in the script's folder")
	f("/proc/self/environ", "!neither in the script's folder")
	f("/proc/self/root/etc/passwd", "!/etc/passwd")
	f("TOP/scenarios", "!neither in the script's folder") // which only begins like it
	f("out", "!it is a link that leads to "+top+"/elsewhere/secret")
	f("folder/secret", "!it is a link")
	f("folder/../out", "!it is a link")
	f("nowhere", "!it is a link")
	// what the run names, where relative paths start at the working directory
	f("here.txt", "work/here.txt", "here.txt")
	f("./here.txt", "work/here.txt", "here.txt")
	f("models/tokenizer.json", "work/models/tokenizer.json", "models")
	f("models/", "work/models", "./models/")
	f("TOP/elsewhere/secret", "elsewhere/secret", "../elsewhere")
	f("../elsewhere/secret", "elsewhere/secret", "../elsewhere")
	f("folder/secret", "scenario/folder/secret", filepath.Join(top, "elsewhere"))
	f("TOP/elsewhere/secret", "elsewhere/secret", "link")
	f("TOP/work/here.txt", "work/here.txt", "one.txt, here.txt")
	f("data/a.jsonl", "scenario/data/a.jsonl", "data") // there is none in the working directory
	f("same.txt", "work/same.txt", "same.txt")
	f("same.txt", "scenario/same.txt", ".")
	f("./same.txt", "work/same.txt", ".")
	f("models-2/x", "scenario/models-2/x", "models")
	f("/etc/passwd", "!neither", "/")
	f("/etc/passwd", "!neither", "file:///etc", "https://etc/passwd", "")
	// links of Hugging Face's cache lead to the blobs beside it, and no further
	f("TOP/hub/snapshots/x/tokenizer.json", "hub/snapshots/x/tokenizer.json", "../hub/snapshots/x")
	f("TOP/hub/snapshots/x/out", "!neither", "../hub/snapshots/x")
	f("TOP/hub/blobs/1", "!neither", "../hub/snapshots/x")
}

// What the run names with a flag, and is not there, is said with the flag.
func TestMissing(t *testing.T) {
	top := tree(t)
	f := func(path, want string) {
		t.Helper()
		a := scenario(top, access.Rules{}, "none.txt", "data/none.jsonl", "models", "one.txt,here.txt")
		a.Flag("p", "--the-p")
		abs, err := a.Read(path)
		var missing *access.Missing
		if want == "" && err != nil || want != "" && (!errors.As(err, &missing) || !errors.Is(err, fs.ErrNotExist) || err.Error() != "--the-p: "+filepath.Join(top, want)+": there is no such file or folder") {
			t.Errorf("%s: %q, %v; want %q to be missing", path, abs, err, want)
		}
	}
	f("none.txt", "work/none.txt")
	f(filepath.Join(top, "work/none.txt"), "work/none.txt")
	f("data/none.jsonl", "work/data/none.jsonl")
	f("one.txt", "work/one.txt")
	f("here.txt", "")
	f("models/vocab.json", "") // it may be one of several that are tried
	f("missing", "")           // the script's own
}

func TestReadMore(t *testing.T) {
	top := tree(t)
	secret := filepath.Join(top, "elsewhere/secret")
	if _, err := scenario(top, access.Rules{Reads: []string{"../elsewhere"}}).Read(secret); err != nil {
		t.Errorf("--allow-read: %v", err)
	}
	own := access.New(access.Rules{})
	own.Builtin(filepath.Join(top, "work"))
	if got, err := own.Read("../elsewhere/secret"); err != nil || got != secret {
		t.Errorf("one of weir's own: %q, %v", got, err)
	}
	var none *access.Access
	if got, err := none.Read("here.txt"); err != nil || got != filepath.Join(top, "work/here.txt") {
		t.Errorf("without an access: %q, %v", got, err)
	}
	// A script that was bundled has its folder from the rules.
	bundled := access.New(access.Rules{Dir: filepath.Join(top, "scenario")})
	bundled.Script("", top)
	if _, err := bundled.Read(secret); err == nil {
		t.Error("the folder that Script says takes the place of the rules'")
	}
}

func TestWrite(t *testing.T) {
	top := tree(t)
	f := func(path, want string, values ...string) {
		t.Helper()
		got, err := scenario(top, access.Rules{}, values...).Write(strings.ReplaceAll(path, "TOP", top))
		if refused, ok := strings.CutPrefix(want, "!"); ok {
			if err == nil || !strings.Contains(err.Error(), refused) {
				t.Errorf("%s: %q, %v; want it to be refused with %q", path, got, err, refused)
			}
			return
		}
		if err != nil || got != filepath.Join(top, want) {
			t.Errorf("%s: %q, %v; want %s", path, got, err, want)
		}
	}
	f("table.csv", "result/table.csv")
	f("more/table.csv", "result/more/table.csv")
	f("TOP/result/table.csv", "result/table.csv")
	f("table.csv", "work/table.csv", "table.csv")
	f("models/x", "work/models/x", "models")
	f("result.json", "!the run has made that file itself")
	f("TOP/scenario/main.ts", "!neither in the folder of the result")
	f("../scenario/main.ts", "!neither in the folder of the result")
	f("TOP/scenario/main.ts", "!that is the script itself", "../scenario")
	f("TOP/scenario/new", "!--allow-write")
	f("TOP/elsewhere/secret", "!neither in the folder of the result")
	f("away/new", "!neither in the folder of the result") // a link out of the result's folder
	f("../elsewhere/new", "!neither in the folder of the result")
	f("/etc/passwd", "!neither in the folder of the result")
	f("TOP/scenario/nowhere", "!neither in the folder of the result", "../scenario") // a link to a file that is not there yet
}

// Files are what a bundle brings along.
func TestFiles(t *testing.T) {
	top := tree(t)
	a := scenario(top, access.Rules{}, "models/tokenizer.json", "../hub/snapshots/x")
	in := func(path string) string { return filepath.Join(top, path) }
	for _, path := range []string{"data/a.jsonl", "data", "data/a.jsonl", "models/tokenizer.json", in("hub/snapshots/x"), "missing"} {
		if _, err := a.Read(path); err != nil {
			t.Fatal(err)
		}
	}
	// what stands beside a file that is named, and in a folder
	for of, file := range map[string]string{in("work/models/tokenizer.json"): in("work/models/tokenizer_config.json"), in("hub/snapshots/x"): in("hub/snapshots/x/tokenizer.json")} {
		if err := a.Found(of, file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for _, file := range []string{in("work/here.txt"), in("elsewhere/secret"), in("hub/snapshots/x/out")} {
		if err := a.Found(in("work/models/tokenizer.json"), file); err == nil || !strings.Contains(err.Error(), "--allow-read") {
			t.Errorf("%s: %v, want a refusal", file, err)
		}
	}
	if path, err := a.Write("made.csv"); err != nil {
		t.Error(err)
	} else if write(t, path); true {
		if _, err := a.Read(path); err != nil {
			t.Error(err) // but it is not a file that was there before
		}
	}
	var got []string
	for _, f := range a.Files() {
		root, _ := filepath.Rel(top, f.Root)
		path, _ := filepath.Rel(top, f.Path)
		got = append(got, strings.TrimSpace(strings.Join([]string{path, root, f.Param, f.Value}, " ")))
	}
	found := strings.Join(got, "\n")
	for _, want := range []string{
		"scenario/data/a.jsonl scenario", "work/models/tokenizer.json work/models p models/tokenizer.json",
		"work/models/tokenizer_config.json work/models p models/tokenizer.json", "hub/snapshots/x/tokenizer.json hub/snapshots/x p ../hub/snapshots/x",
	} {
		if !strings.Contains(found, want) {
			t.Errorf("%q is not among\n%s", want, found)
		}
	}
	if len(got) != 4 {
		t.Errorf("there are %d files, want 4:\n%s", len(got), found)
	}
}

// TestDry writes and reads what it has written, of which nothing stays.
func TestDry(t *testing.T) {
	top := tree(t)
	a := access.New(access.Rules{Dry: true})
	a.Script("", filepath.Join(top, "scenario"))
	a.Name("p", "here.txt")
	for _, path := range []string{"table.csv", "here.txt"} {
		at, err := a.Write(path)
		if err != nil || strings.HasPrefix(at, top+"/scenario") || strings.HasPrefix(at, top+"/work") {
			t.Fatalf("%s goes to %s, %v", path, at, err)
		}
		if err := os.WriteFile(at, []byte("new"), 0o600); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if _, err := os.Stat(at); err == nil {
				t.Errorf("%s is there after the end", at)
			}
		}()
	}
	if size := a.Size(); size != int64(len("newnew")) {
		t.Errorf("what was written has %d bytes", size)
	}
	read, err := a.Read("here.txt")
	if text, other := os.ReadFile(read); err != nil || other != nil || string(text) != "new" {
		t.Errorf("what was written reads as %q: %v, %v", text, err, other)
	}
	if _, err := a.Write("../elsewhere/new"); err == nil {
		t.Error("a dry run writes where a run may not")
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// A scenario that came from elsewhere writes so many files and no more; those that it has
// written it writes again.
func TestMostFiles(t *testing.T) {
	top := tree(t)
	a := scenario(top, access.Rules{Limited: true})
	name := func(i int) string { return fmt.Sprintf("many/%d.txt", i) }
	for i := range 10_000 {
		if _, err := a.Write(name(i)); err != nil {
			t.Fatalf("file %d: %v", i, err)
		}
	}
	var refused *access.Refused
	if _, err := a.Write(name(10_000)); !errors.As(err, &refused) || !strings.Contains(refused.Message, "it has written 10000 files already") {
		t.Errorf("one more: %v", err)
	}
	if _, err := a.Write(name(0)); err != nil {
		t.Errorf("the first one again: %v", err)
	}
}
