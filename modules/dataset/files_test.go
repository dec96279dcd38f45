package dataset_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/modules/dataset"
)

// pictures is a folder with images and other things; a.jpg is 4×3 pixels.
func pictures(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	write := func(name string, content []byte) {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	jpg := makeImages(t, dataset.Images{Count: 1, Sizes: []dataset.Size{{4, 3}}, Format: "jpeg"})[0]
	png := makeImages(t, dataset.Images{Count: 1, Sizes: []dataset.Size{{2, 5}}, Format: "png"})[0]
	write("photos/a.jpg", jpg)
	write("photos/b.PNG", png)
	write("photos/deep/c.jpeg", jpg)
	write("photos/notes.txt", []byte("no image"))
	write("texts/notes.txt", []byte("no image"))
	write("text.jpg", []byte("no image at all"))
	write("empty.png", nil)
	write("cut.jpg", jpg[:20])
	write("picture.webp", []byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00"))
	write("sound.wav", []byte("RIFF\x24\x00\x00\x00WAVEfmt "))
	write("sound.mp3", []byte("ID3\x04\x00"))
	write("list.json", []byte(`["photos/a.jpg", {"image": "photos/b.PNG"}]`))
	write("rows.jsonl", []byte("{\"text\":\"x\",\"images\":[\"photos/a.jpg\",\"https://example.com/x.jpg\"]}\n{\"text\":\"none\"}\n{\"images\":{\"path\":\"photos/b.PNG\"}}\n"))
	write("other.jsonl", []byte(`{"picture":"a.jpg"}`))
	write("missing.jsonl", []byte(`{"image":"nowhere.jpg"}`))
	write("broken.jsonl", []byte("{\"image\":\"photos/a.jpg\"}\n{\"image\":"))
	write("number.jsonl", []byte(`{"image":7}`))
	write("empty.jsonl", nil)
	return folder
}

// below gives paths that start at a folder.
func below(folder string) func(string) (string, error) {
	return func(path string) (string, error) {
		if filepath.IsAbs(path) {
			return path, nil
		}
		return filepath.Join(folder, path), nil
	}
}

// Files are sent as they are; URLs are passed on.
func TestFiles(t *testing.T) {
	folder := pictures(t)
	load := func(want string, f dataset.Files) *dataset.MediaList {
		t.Helper()
		f.Kind, f.Readable = dataset.Image, below(folder)
		list, err := f.Load(context.Background())
		if err != nil {
			t.Errorf("%v: %v", f.Source, err)
			return nil
		}
		var got []string
		for i := range list.Len() {
			m := list.At(i)
			url, err := m.AppendURL(nil)
			if err != nil {
				t.Fatal(err)
			}
			head, _, _ := strings.Cut(string(url), ";base64,")
			if m.Width > 0 {
				head += " " + string(rune('0'+m.Width)) + "×" + string(rune('0'+m.Height))
			}
			got = append(got, head)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%v: %s, want %s", f.Source, strings.Join(got, ", "), want)
		}
		return list
	}
	const jpg, png = "data:image/jpeg 4×3", "data:image/png 2×5"
	load(jpg+", "+png+", "+jpg, dataset.Files{Source: []string{"photos"}})
	load(jpg+", "+png, dataset.Files{Source: []string{"photos"}, Limit: 2})
	load(jpg, dataset.Files{Source: []string{"photos/a.jpg"}})
	load(jpg, dataset.Files{Source: []string{filepath.Join(folder, "photos/a.jpg")}})
	load(png+", "+jpg, dataset.Files{Source: []string{"photos/b.PNG", "photos/a.jpg"}, List: true})
	load("data:image/webp", dataset.Files{Source: []string{"picture.webp"}})
	load("https://example.com/x.jpg", dataset.Files{Source: []string{"https://example.com/x.jpg"}})
	load(jpg+", "+png, dataset.Files{Source: []string{"list.json"}})
	rows := load(jpg+", https://example.com/x.jpg, "+png, dataset.Files{Source: []string{"rows.jsonl"}})
	if rows.Skipped() != 1 {
		t.Errorf("%d records were skipped, want 1", rows.Skipped())
	}
	load(jpg, dataset.Files{Source: []string{"other.jsonl"}, Field: "picture", Root: "photos"})

	content, err := os.ReadFile(filepath.Join(folder, "photos/a.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	list := load(jpg, dataset.Files{Source: []string{"data:image/whatever;base64," + base64.StdEncoding.EncodeToString(content)}})
	for _, m := range []*dataset.Media{list.At(0), load(jpg, dataset.Files{Source: []string{"photos/a.jpg"}}).At(0)} {
		if _, data := file(t, m); !bytes.Equal(data, content) {
			t.Error("the file was changed")
		}
	}
}

// What cannot be sent is refused, with its name and a reason.
func TestWrongFiles(t *testing.T) {
	folder := pictures(t)
	fail := func(kind dataset.Kind, want string, f dataset.Files) {
		t.Helper()
		f.Kind, f.Readable = kind, below(folder)
		if _, err := f.Load(context.Background()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want one with %q", f.Source, err, want)
		}
	}
	one := func(source string) dataset.Files { return dataset.Files{Source: []string{source}} }
	fail(dataset.Image, "nowhere.jpg: there is no such file or folder\n  hint: relative paths start at the script's folder", one("nowhere.jpg"))
	fail(dataset.Image, "text.jpg: it is no image (text/plain): JPEG, PNG, WebP, GIF and BMP are known", one("text.jpg"))
	fail(dataset.Image, "sound.wav: it is no image (audio/wav)", one("sound.wav"))
	fail(dataset.Image, "empty.png: it is empty", one("empty.png"))
	fail(dataset.Image, "cut.jpg: it begins as image/jpeg, but is damaged", one("cut.jpg"))
	fail(dataset.Image, "texts: there is no file in this folder that ends in .jpg", one("texts"))
	fail(dataset.Image, "the list of paths is empty", dataset.Files{List: true})
	fail(dataset.Image, "photos is a folder", dataset.Files{List: true, Source: []string{"photos"}})
	fail(dataset.Image, "no record has a field image, images, image_path, image_url, file_name, file; the first one has picture: name another one with field", one("other.jsonl"))
	fail(dataset.Image, "no record has a field photo; the first one has picture", dataset.Files{Source: []string{"other.jsonl"}, Field: "photo"})
	fail(dataset.Image, "nowhere.jpg: there is no such file", one("missing.jsonl"))
	fail(dataset.Image, "broken.jsonl: record 2 is no JSON: unexpected EOF", one("broken.jsonl"))
	fail(dataset.Image, "number.jsonl: record 1: image is neither a name nor a list of names", one("number.jsonl"))
	fail(dataset.Image, "empty.jsonl: there is no record in it", one("empty.jsonl"))
	fail(dataset.Image, "a data URL is no base64", one("data:image/png;base64,???"))
	fail(dataset.Image, "a data URL is not of the form", one("data:image/png,abc"))
	fail(dataset.Audio, "photos/a.jpg: it is no sound (image/jpeg): WAV, MP3, FLAC and Ogg are known", one("photos/a.jpg"))
	fail(dataset.Audio, "sounds cannot be passed on as a URL", one("https://example.com/x.wav"))
}

// A file that no request could carry is refused before it is read.
func TestHugeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge.jpg")
	f, err := os.Create(path)
	if err == nil {
		err = f.Truncate(65 << 20) // takes no room
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = dataset.Files{Kind: dataset.Image, Source: []string{path}}.Load(context.Background())
	if err == nil || !strings.Contains(err.Error(), "has 65 MB, more than the 64 MB that are possible") {
		t.Errorf("error %v, want one about its size", err)
	}
}

// What a dataset names comes out whatever form it has.
func TestReadNames(t *testing.T) {
	check := func(text, want string) {
		t.Helper()
		names, _, err := dataset.ReadNames(strings.NewReader(text), dataset.Image, "")
		if err != nil || strings.Join(names, " ") != want {
			t.Errorf("%s: %q, %v, want %q", text, names, err, want)
		}
	}
	check(`["a", "b"]`, "a b")
	check("\xef\xbb\xbf[\"a\"]", "a")
	check(`"a"`+"\n"+`"b"`, "a b")
	check(`{"image":"a"}{"image":"b"}`, "a b")
	check(`[{"image":null,"file":"a"}]`, "a")
	check(`{"images":[{"file_name":"a","id":1},{"url":"http://b"}],"annotations":[]}`, "a http://b")
	check(`{"image":{"bytes":null,"path":"a"}}`, "a")
	check(`{"image":"a"}`+"\n[\"b\",\"c\"]", "a b c") // a record may be a list
}

func FuzzReadNames(f *testing.F) {
	for _, seed := range []string{"", `["a"]`, `{"image":"a"}`, `[{"images":["a",{"path":"b"}]},{"x":1}]`, "{\"image\":\"a\"}\n{\"file\":[[]]}", "[", "\xef\xbb\xbf1"} {
		f.Add(seed, "")
		f.Add(seed, "x")
	}
	f.Fuzz(func(t *testing.T, text, field string) {
		names, skipped, err := dataset.ReadNames(strings.NewReader(text), dataset.Image, field)
		if err != nil && len(names) > 0 {
			t.Errorf("%q and the error %v", names, err)
		}
		if err == nil && (len(names) == 0 || skipped < 0) {
			t.Errorf("no names and no error, %d skipped", skipped)
		}
		for _, name := range names {
			if name == "" {
				t.Error("an empty name")
			}
		}
	})
}

func FuzzDescribe(f *testing.F) {
	for _, m := range []dataset.Images{{Format: "jpeg"}, {Format: "png"}} {
		m.Count, m.Sizes = 1, []dataset.Size{{5, 7}}
		f.Add(makeImages(f, m)[0])
	}
	f.Add([]byte("GIF89a\x02\x00\x02\x00\x00\x00\x00"))
	f.Add([]byte("RIFF....WAVE"))
	f.Add([]byte("\xff\xfb\x90"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, kind := range []dataset.Kind{dataset.Image, dataset.Audio} {
			m, err := dataset.Describe(kind, content)
			if (m == nil) == (err == nil) {
				t.Fatalf("%s: %v and %v", kind, m, err)
			}
			if m != nil && (m.Type == "" || m.Kind != kind || m.Width < 0 || m.Height < 0) {
				t.Errorf("%s: %+v", kind, m)
			}
		}
	})
}
