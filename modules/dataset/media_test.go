package dataset_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	_ "image/jpeg"
	_ "image/png"
	"strings"
	"testing"
	"time"

	"weir/modules/dataset"
)

// file is what a service finds in a data URL.
func file(t testing.TB, m *dataset.Media) (mediaType string, data []byte) {
	t.Helper()
	url, err := m.AppendURL(nil)
	if err != nil {
		t.Fatal(err)
	}
	head, text, found := strings.Cut(string(url), ";base64,")
	mediaType, isData := strings.CutPrefix(head, "data:")
	data, err = base64.StdEncoding.DecodeString(text)
	if !found || !isData || err != nil {
		t.Fatalf("no data URL: %.40q, %v", url, err)
	}
	if len(data) != m.Bytes {
		t.Errorf("the file has %d bytes, not %d", len(data), m.Bytes)
	}
	return mediaType, data
}

func makeImages(t testing.TB, m dataset.Images) [][]byte {
	t.Helper()
	if m.Quality == 0 {
		m.Quality = 75
	}
	list, err := m.Make(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if list.Len() != m.Count {
		t.Fatalf("there are %d images, want %d", list.Len(), m.Count)
	}
	var files [][]byte
	for i := range list.Len() {
		media := list.At(i)
		mediaType, data := file(t, media)
		if mediaType != "image/"+m.Format {
			t.Errorf("image %d is %s, want image/%s", i, mediaType, m.Format)
		}
		config, format, err := image.DecodeConfig(bytes.NewReader(data))
		if err != nil || format != m.Format || config.Width != media.Width || config.Height != media.Height {
			t.Errorf("image %d is %s of %d×%d, %v, want %s of %d×%d", i, format, config.Width, config.Height, err, m.Format, media.Width, media.Height)
		}
		files = append(files, data)
	}
	return files
}

// Images have exactly the size that was asked for, and all of them can be decoded.
func TestImageSizes(t *testing.T) {
	for _, size := range []dataset.Size{{1, 1}, {1, 300}, {300, 1}, {7, 13}, {16, 16}, {17, 33}, {256, 256}, {640, 480}} {
		for _, format := range []string{"jpeg", "png"} {
			for _, data := range makeImages(t, dataset.Images{Count: 2, Sizes: []dataset.Size{size}, Format: format}) {
				picture, _, err := image.Decode(bytes.NewReader(data))
				if err != nil || picture.Bounds().Size() != image.Pt(size.Width, size.Height) {
					t.Errorf("%s of %v: %v, %v", format, size, picture.Bounds(), err)
				}
			}
		}
	}
}

// Sizes are taken in turn, or drawn: then all of them occur.
func TestMixedSizes(t *testing.T) {
	sizes := []dataset.Size{{8, 9}, {10, 11}, {12, 13}}
	for _, draw := range []bool{false, true} {
		m := dataset.Images{Count: 60, Sizes: sizes, Format: "png", Quality: 75, Draw: draw}
		list, err := m.Make(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		seen := map[dataset.Size]int{}
		inTurn := true
		for i := range list.Len() {
			got := dataset.Size{Width: list.At(i).Width, Height: list.At(i).Height}
			seen[got]++
			inTurn = inTurn && got == sizes[i%3]
		}
		if len(seen) != 3 || inTurn == draw || !draw && seen[sizes[0]] != 20 {
			t.Errorf("draw %v: sizes %v, in turn: %v", draw, seen, inTurn)
		}
	}
}

// Equal seeds give equal bytes, whatever the number of images; all others differ
// from each other, in their pixels too.
func TestImagesOfASeed(t *testing.T) {
	for _, format := range []string{"jpeg", "png"} {
		m := dataset.Images{Count: 20, Sizes: []dataset.Size{{32, 24}}, Format: format, Seed: 7}
		first := makeImages(t, m)
		m.Count = 10
		for i, data := range makeImages(t, m) {
			if !bytes.Equal(data, first[i]) {
				t.Errorf("%s: image %d is another one the second time", format, i)
			}
		}
		m.Seed = 8
		seen := map[string]bool{}
		for _, data := range append(first, makeImages(t, m)...) {
			picture, _, err := image.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			var pixels strings.Builder
			for y := range 24 {
				for x := range 32 {
					c := color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)
					if c.A != 255 {
						t.Fatalf("%s: a pixel is transparent: %v", format, c)
					}
					pixels.Write([]byte{c.R, c.G, c.B})
				}
			}
			seen[pixels.String()] = true
		}
		if len(seen) != 30 {
			t.Errorf("%s: %d of 30 images differ", format, len(seen))
		}
	}
}

// The pixels of a PNG are what was drawn: of all values about equally often.
func TestNoiseIsEven(t *testing.T) {
	data := makeImages(t, dataset.Images{Count: 1, Sizes: []dataset.Size{{128, 128}}, Format: "png"})[0]
	picture, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var counts [256]int
	for y := range 128 {
		for x := range 128 {
			c := color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)
			counts[c.R]++
			counts[c.G]++
			counts[c.B]++
		}
	}
	for value, n := range counts { // 192 each, with a standard deviation of 14
		if n < 100 || n > 300 {
			t.Errorf("the value %d occurs %d times of %d", value, n, 3*128*128)
		}
	}
}

func TestSameImage(t *testing.T) {
	files := makeImages(t, dataset.Images{Count: 5, Sizes: []dataset.Size{{9, 9}}, Format: "jpeg", Same: true})
	for i, data := range files {
		if !bytes.Equal(data, files[0]) {
			t.Errorf("image %d is another one", i)
		}
	}
}

func TestImagesEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	m := dataset.Images{Count: 1000, Sizes: []dataset.Size{{1024, 1024}}, Format: "jpeg", Quality: 75}
	if _, err := m.Make(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was cancelled", err)
	}
}

// Sounds are WAV files of exactly the length that was asked for.
func TestSounds(t *testing.T) {
	m := dataset.Sounds{Count: 4, Seconds: 0.5, SampleRate: 8000, Seed: 3}
	list, err := m.Make(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i := range list.Len() {
		mediaType, data := file(t, list.At(i))
		little := binary.LittleEndian
		if mediaType != "audio/wav" || len(data) != 44+8000 || string(data[:4]) != "RIFF" || string(data[8:16]) != "WAVEfmt " || string(data[36:40]) != "data" {
			t.Fatalf("sound %d is %s of %d bytes: %q", i, mediaType, len(data), data[:44])
		}
		if size, rate, samples := little.Uint32(data[4:]), little.Uint32(data[24:]), little.Uint32(data[40:]); size != 36+8000 || rate != 8000 || samples != 8000 {
			t.Errorf("sound %d has the size %d, the rate %d and %d bytes of samples", i, size, rate, samples)
		}
		if list.At(i).Seconds != 0.5 {
			t.Errorf("sound %d is said to have %v s", i, list.At(i).Seconds)
		}
		seen[string(data)] = true
	}
	again, err := m.Make(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i := range again.Len() {
		_, data := file(t, again.At(i))
		seen[string(data)] = true
	}
	if len(seen) != 4 {
		t.Errorf("4 sounds, made twice, are %d different ones", len(seen))
	}
}

func TestProgress(t *testing.T) {
	check := func(done, n int, elapsed time.Duration, want string) {
		t.Helper()
		if got := dataset.Progress("images", done, n, elapsed); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	check(0, 100, 2*time.Second, "images: 0 of 100 are made")
	check(10, 100, 2*time.Second, "images: 10 of 100 are made, 18s left")
	check(99, 100, 50*time.Second, "images: 99 of 100 are made, 1s left")
	check(500, 10000, 30*time.Second, "images: 500 of 10000 are made, 9m30s left")
}

// How long a noise image takes; BenchmarkAppendMessages tells what a request does.
func BenchmarkImages(b *testing.B) {
	for b.Loop() {
		makeImages(b, dataset.Images{Count: 8, Sizes: []dataset.Size{{512, 512}}, Format: "jpeg"})
	}
}
