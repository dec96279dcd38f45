package bundle_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/runtime/bundle"
)

// entry is one of a bundle that somebody makes who wants to do harm. Zero fields are as
// weir writes them.
type entry struct {
	name     string
	content  string
	says     uint64 // size in the header; 0: the true one
	crc      uint32
	mode     fs.FileMode
	method   uint16
	flags    uint16
	extra    []byte
	unlisted bool   // the manifest has no line of it
	sum      string // in the manifest
}

// hostile is a bundle that is made by hand.
type hostile struct {
	entries  []entry
	manifest func(m map[string]any)       // changes what is listed
	text     func(manifest []byte) []byte // changes how it is written
	file     func(file []byte) []byte     // changes the whole file
}

const someScript = "(function (module, exports, require) {\nmodule.exports = {};\n})\n"

func plain() []entry {
	return []entry{
		{name: "files/prompts.txt", content: "Why is the sky blue?\n"},
		{name: "script.js", content: someScript},
		{name: "script.js.map", content: `{"version":3,"sources":["a.ts"],"names":[],"mappings":";AAAA"}`},
	}
}

// bytes are those of the bundle.
func (h *hostile) bytes(t testing.TB) []byte {
	t.Helper()
	var files []any
	for _, e := range h.entries {
		if e.unlisted {
			continue
		}
		size := uint64(len(e.content))
		if e.says > 0 {
			size = e.says
		}
		sum := e.sum
		if sum == "" {
			sum = fmt.Sprintf("%x", sha256.Sum256([]byte(e.content)))
		}
		files = append(files, map[string]any{"path": e.name, "bytes": size, "sha256": sum, "inside": true})
	}
	m := map[string]any{"schema": 1, "name": "sweep", "weir": "1.0", "modules": []string{}, "files": files}
	if h.manifest != nil {
		h.manifest(m)
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if h.text != nil {
		text = h.text(text)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range append([]entry{{name: "weir.json", content: string(text)}}, h.entries...) {
		var body bytes.Buffer
		deflate, _ := flate.NewWriter(&body, flate.DefaultCompression)
		fmt.Fprint(deflate, e.content)
		deflate.Close()
		header := zip.FileHeader{Name: e.name, ReaderVersion: 20, Method: zip.Deflate, Flags: 0x800 | e.flags, CRC32: crc32.ChecksumIEEE([]byte(e.content)), UncompressedSize64: uint64(len(e.content)), Extra: e.extra}
		if e.method > 0 {
			header.Method = e.method
		}
		if e.says > 0 {
			header.UncompressedSize64 = e.says
		}
		if e.crc > 0 {
			header.CRC32 = e.crc
		}
		header.CompressedSize64 = uint64(body.Len())
		header.SetMode(0o644 | e.mode)
		header.SetModTime(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC))
		to, err := w.CreateRaw(&header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(body.Bytes()); err != nil && !strings.HasSuffix(e.name, "/") {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if h.file != nil {
		return h.file(b.Bytes())
	}
	return b.Bytes()
}

// unpackAll opens and unpacks a bundle into out/here, and returns what stops it. Whatever
// happens, nothing is written elsewhere.
func unpackAll(t *testing.T, file []byte) error {
	t.Helper()
	outside := t.TempDir()
	dir := filepath.Join(outside, "deep", "here")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Read(bytes.NewReader(file), int64(len(file)), "x.weir")
	if err == nil {
		err = b.Unpack(t.Context(), dir, nil)
	}
	_ = filepath.WalkDir(outside, func(path string, d fs.DirEntry, _ error) error {
		if !d.IsDir() && !strings.HasPrefix(path, dir+"/") || !d.IsDir() && !d.Type().IsRegular() {
			t.Errorf("%s was written", path)
		}
		return nil
	})
	return err
}

// Each hostile bundle is refused, with a message that names the entry.
func TestHostileBundles(t *testing.T) {
	f := func(what, want string, h hostile) {
		t.Helper()
		err := unpackAll(t, h.bytes(t))
		if err == nil {
			t.Errorf("%s: it is unpacked", what)
		} else if !regexp.MustCompile(want).MatchString(err.Error()) {
			t.Errorf("%s: %v\nwant %s", what, err, want)
		} else if len(err.Error()) > 1000 {
			t.Errorf("%s: the message has %d bytes", what, len(err.Error()))
		}
	}
	with := func(more ...entry) hostile {
		all := append(plain(), more...)
		slices.SortStableFunc(all, func(a, b entry) int { return strings.Compare(a.name, b.name) })
		return hostile{entries: all}
	}
	listing := func(change func(m map[string]any)) hostile {
		h := with()
		h.manifest = change
		return h
	}
	changed := func(change func(file []byte) []byte) hostile {
		h := with()
		h.file = change
		return h
	}
	if err := unpackAll(t, (&hostile{entries: plain()}).bytes(t)); err != nil {
		t.Fatalf("a bundle without harm: %v", err)
	}

	// Names.
	f("a path upwards", `"files/../../evil".*leads out of the bundle`, with(entry{name: "files/../../evil"}))
	f("an absolute path", `"/etc/cron.d/evil".*leads out`, with(entry{name: "/etc/cron.d/evil"}))
	f("backslashes", `"files\\\\..\\\\evil".*backslash`, with(entry{name: `files\..\evil`}))
	f("a drive", `"C:/evil".*drive letter`, with(entry{name: "C:/evil"}))
	f("a NUL", `"files/a\\x00.txt".*control characters`, with(entry{name: "files/a\x00.txt"}))
	f("an escape sequence", `"files/\\x1b\[2J".*control characters`, with(entry{name: "files/\x1b[2J"}))
	f("a turn of direction", `"files/\\u202etxt.exe".*control characters`, with(entry{name: "files/\u202etxt.exe"}))
	f("no UTF-8", `not UTF-8`, with(entry{name: "files/\xff"}))
	f("a long name", `"files/x+.*1206 bytes`, with(entry{name: "files/" + strings.Repeat("x", 1200)}))
	f("a long part", `256 bytes`, with(entry{name: "files/" + strings.Repeat("x", 256)}))
	f("an empty part", `"files//a".*leads out`, with(entry{name: "files//a"}))
	f("capitals", `"files/Prompts.txt".*cannot tell its name from "files/prompts.txt"|"files/prompts.txt".*cannot tell its name from "files/Prompts.txt"`, with(entry{name: "files/Prompts.txt"}))
	f("forms of a letter", `cannot tell its name from`, with(entry{name: "files/caf\u00e9"}, entry{name: "files/cafe\u0301"}))
	f("folders with capitals", `cannot tell its folder from`, with(entry{name: "files/A/x"}, entry{name: "files/a/y"}))
	f("a file that is a folder", `both a file and a folder`, with(entry{name: "files/prompts.txt/x"}))
	f("twice", `"files/prompts.txt".*there twice`, with(entry{name: "files/prompts.txt", content: "other"}))
	f("a place that no bundle has", `"bin/weir".*no bundle has such a file`, with(entry{name: "bin/weir"}))
	f("a parameter's folder", `"named/tokenizer".*no bundle has`, with(entry{name: "named/tokenizer"}))

	// Kinds of entries.
	f("a link", `"files/link".*no regular file \(L`, with(entry{name: "files/link", content: "/etc/passwd", mode: fs.ModeSymlink}))
	f("a device", `"files/dev".*no regular file \(D`, with(entry{name: "files/dev", mode: fs.ModeDevice}))
	f("a pipe", `"files/pipe".*no regular file \(p`, with(entry{name: "files/pipe", mode: fs.ModeNamedPipe}))
	f("a folder", `"files/d/".*it is a folder`, with(entry{name: "files/d/", unlisted: true}))
	f("encrypted", `"files/z".*flags 0x801`, with(entry{name: "files/z", flags: 1}))
	f("another method", `"files/z".*method 99`, with(entry{name: "files/z", method: 99}))
	f("an extra field", `"files/z".*does not write`, with(entry{name: "files/z", extra: []byte{1, 2, 0, 0}}))

	// Sizes.
	f("a bomb", `unpack to 3\d+ bytes, more than 100 times its own`, with(entry{name: "files/zeros", says: 300 << 20}))
	f("more than the header says", `"files/z".*damaged`, with(entry{name: "files/z", content: strings.Repeat("a", 5000), says: 5}))
	f("less than the header says", `"files/z".*(damaged|bytes by its header)`, with(entry{name: "files/z", content: "short", says: 5000}))
	f("a size that cannot be", `"files/z".*9223372036854775808|"files/z".*not possible|no manifest`, with(entry{name: "files/z", says: 1 << 63}))
	f("zip64 of a huge size", `"files/z".*not possible`, with(entry{name: "files/z", says: 1 << 40}))
	f("a wrong checksum", `"files/z".*damaged.*checksum`, with(entry{name: "files/z", content: "a", crc: 1}))
	f("a wrong hash", `"files/z": its SHA-256 is`, with(entry{name: "files/z", content: "a", sum: strings.Repeat("0", 64)}))
	f("a wrong hash of the program", `"script.js": its SHA-256 is`, func() hostile {
		h := with()
		h.entries[1].sum = strings.Repeat("0", 64)
		return h
	}())

	// Entries and the manifest.
	f("not listed", `"files/z": it is inside, and the manifest does not list it`, with(entry{name: "files/z", unlisted: true}))
	f("not inside", `"files/zz": the manifest lists it, and it is not inside`, listing(func(m map[string]any) {
		m["files"] = append(m["files"].([]any), map[string]any{"path": "files/zz", "bytes": 1, "sha256": strings.Repeat("0", 64), "inside": true})
		sortFiles(m)
	}))
	f("said to be left out", `"files/prompts.txt": it is inside, and the manifest says that it is not`, listing(func(m map[string]any) {
		m["files"].([]any)[0].(map[string]any)["inside"] = false
	}))
	f("the program left out", `"script.js": only data may be left out`, listing(func(m map[string]any) {
		m["files"].([]any)[1].(map[string]any)["inside"] = false
	}))
	f("another size in the manifest", `"files/prompts.txt": it has 21 bytes, and 3 by the manifest`, listing(func(m map[string]any) {
		m["files"].([]any)[0].(map[string]any)["bytes"] = 3
	}))
	f("a negative size", `-3 bytes are not possible`, listing(func(m map[string]any) { m["files"].([]any)[0].(map[string]any)["bytes"] = -3 }))
	f("no hash", `is no SHA-256`, listing(func(m map[string]any) { m["files"].([]any)[0].(map[string]any)["sha256"] = "" }))
	f("no program", `script.js`, hostile{entries: plain()[:1]})
	f("no name", `no name of a scenario`, listing(func(m map[string]any) { m["name"] = "" }))
	f("a name with a path", `no name of a scenario`, listing(func(m map[string]any) { m["name"] = "../evil" }))
	f("a reason with control characters", `x\\x1b\[2J" is too long or has control characters`, listing(func(m map[string]any) { m["left_out"] = map[string]string{"key": "x\x1b[2J"} }))
	f("a module that reads otherwise", `weir/\\u202eptth" is too long or has control`, listing(func(m map[string]any) { m["modules"] = []string{"weir/\u202eptth"} }))
	f("a name with control characters", `name is too long or has control characters`, listing(func(m map[string]any) { m["name"] = "a\x1b]0;evil\x07" }))
	f("a newer format", `format 2, and this weir reads 1\n  hint: install a newer weir: .*"9.9"`, listing(func(m map[string]any) { m["schema"], m["weir"] = 2, "9.9" }))
	f("no version", `schema 0`, listing(func(m map[string]any) { delete(m, "schema") }))
	f("the wrong type", `"weir.json": it is no manifest: json: cannot unmarshal`, listing(func(m map[string]any) { m["files"] = "all" }))
	f("a parameter that is an object", `"rate": its value is none`, listing(func(m map[string]any) {
		m["params"] = []any{map[string]any{"name": "rate", "value": map[string]any{"a": 1}}}
	}))
	f("a parameter that is null", `"rate": its value is none`, listing(func(m map[string]any) { m["params"] = []any{map[string]any{"name": "rate"}} }))
	f("a parameter twice", `"rate": .*twice`, listing(func(m map[string]any) {
		one := map[string]any{"name": "rate", "value": 1}
		m["params"] = []any{one, one}
	}))
	f("a path that leads out", `"data": "../../etc/passwd" is no path in the bundle`, listing(func(m map[string]any) {
		m["params"] = []any{map[string]any{"name": "data", "value": "../../etc/passwd", "paths": []int{0}}}
	}))
	f("a path to nothing", `"data": no file of the bundle is in`, listing(func(m map[string]any) {
		m["params"] = []any{map[string]any{"name": "data", "value": "named/data/x", "paths": []int{0}}}
	}))
	f("a path of a value that is not there", `"data": there is no value 7`, listing(func(m map[string]any) {
		m["params"] = []any{map[string]any{"name": "data", "value": "a", "paths": []int{7}}}
	}))
	text := func(change func([]byte) []byte) hostile {
		h := with()
		h.text = change
		return h
	}
	f("no JSON", `"weir.json": it is no manifest: invalid character`, text(func([]byte) []byte { return []byte("schema: 1") }))
	f("deep JSON", `exceeded max depth`, text(func([]byte) []byte {
		return []byte(`{"schema":1,"params":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}")
	}))
	f("a huge manifest", `"weir.json": it has 17000002 bytes, at most`, text(func([]byte) []byte { return []byte(`"` + strings.Repeat("x", 17_000_000) + `"`) }))
	f("no manifest", `"weir.json": it is not the first entry`, changed(func([]byte) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		w.Close()
		return b.Bytes()
	}))

	// The file.
	f("nothing", `no zip file, or cut off`, changed(func([]byte) []byte { return nil }))
	f("no zip", `no zip file, or cut off`, changed(func([]byte) []byte { return []byte(strings.Repeat("not a zip file ", 20)) }))
	f("something in front", `damaged`, changed(func(file []byte) []byte { return append([]byte("#!/bin/sh\n"), file...) }))
	f("something behind", `no zip file, or cut off`, changed(func(file []byte) []byte { return append(file, "more"...) }))
	f("a comment", `(no zip file|damaged)`, changed(func(file []byte) []byte {
		file[len(file)-2] = 4
		return append(file, "more"...)
	}))
	f("something between", `damaged`, changed(func(file []byte) []byte {
		return slices.Insert(file, bytes.LastIndex(file, []byte("PK\x03\x04")), []byte("hidden")...)
	}))
	f("a local header that says something else", `"script.js".*local header`, changed(func(file []byte) []byte {
		at := bytes.Index(file, []byte("script.js"))
		file[at] = 'S'
		return file
	}))
	f("entries that share bytes", `damaged`, changed(func(file []byte) []byte {
		// The second entry of the central directory points to where the first is.
		first := bytes.Index(file, []byte("PK\x01\x02"))
		second := first + 4 + bytes.Index(file[first+4:], []byte("PK\x01\x02"))
		copy(file[second+42:second+46], file[first+42:first+46])
		return file
	}))
	f("a count of entries that is a lie", `(entries|damaged)`, changed(func(file []byte) []byte {
		copy(file[len(file)-14:], []byte{0xfe, 0xff, 0xfe, 0xff})
		return file
	}))
	f("zip64 with a lie", `damaged|entries|cut off`, changed(func(file []byte) []byte {
		copy(file[len(file)-14:], []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
		return file
	}))
}

func sortFiles(m map[string]any) {
	files := m["files"].([]any)
	slices.SortFunc(files, func(a, b any) int {
		return strings.Compare(a.(map[string]any)["path"].(string), b.(map[string]any)["path"].(string))
	})
}

// A file that is cut off anywhere is refused, and so is one with any byte changed, unless
// that makes no difference to what is in it.
func TestDamagedBundles(t *testing.T) {
	file := (&hostile{entries: plain()}).bytes(t)
	open := func(file []byte) (*bundle.Bundle, error) {
		return bundle.Read(bytes.NewReader(file), int64(len(file)), "x.weir")
	}
	for n := range file {
		if _, err := open(file[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes are opened", n, len(file))
		}
	}
	for i := range file {
		changed := slices.Clone(file)
		changed[i] ^= 0x41
		b, err := open(changed)
		if err != nil {
			continue
		}
		dir := t.TempDir()
		if err := b.Unpack(t.Context(), dir, nil); err != nil {
			continue
		}
		script, _ := b.Text(bundle.ScriptName)
		data, _ := os.ReadFile(filepath.Join(dir, "files", "prompts.txt"))
		if string(script) != someScript || string(data) != plain()[0].content || b.Manifest.Name != "sweep" {
			t.Errorf("with another byte %d, it has %q and %q", i, script, data)
		}
	}
}

func TestMoreEntriesThanPossible(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := range 50_002 {
		if _, err := w.CreateRaw(&zip.FileHeader{Name: fmt.Sprintf("files/%d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	if err := unpackAll(t, b.Bytes()); err == nil || !strings.Contains(err.Error(), "it has 50002 entries, at most 50000") {
		t.Error(err)
	}
}

// What stops unpacking leaves nothing outside, and says what it was.
func TestUnpackStops(t *testing.T) {
	file := (&hostile{entries: plain()}).bytes(t)
	b, err := bundle.Read(bytes.NewReader(file), int64(len(file)), "x.weir")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Unpack(ctx, t.TempDir(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupt: %v", err)
	}
	dir := t.TempDir()
	if err := b.Unpack(t.Context(), dir, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Unpack(t.Context(), dir, nil); err == nil || !strings.Contains(err.Error(), "files/prompts.txt") {
		t.Errorf("a file that is there: %v", err)
	}
	if err := b.Unpack(t.Context(), filepath.Join(dir, "none"), nil); err == nil || !strings.Contains(err.Error(), "unpack x.weir") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	valid := (&hostile{entries: plain()}).bytes(f)
	f.Add(valid)
	f.Add(valid[:len(valid)/2])
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := bundle.Read(bytes.NewReader(data), int64(len(data)), "x.weir")
		if err != nil {
			var wrong *bundle.Error
			if !errors.As(err, &wrong) || strings.ContainsAny(err.Error(), "\x00\x1b") {
				t.Errorf("%q", err)
			}
			return
		}
		for _, file := range b.Manifest.Files {
			if !fs.ValidPath(file.Path) {
				t.Errorf("%q", file.Path)
			}
		}
		b.Manifest.Values("/dir")
		_, _ = b.Text(bundle.ScriptName)
	})
}
