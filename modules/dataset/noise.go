package dataset

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"sync/atomic"
)

// Limits of images.
const (
	maxSide   = 65535    // pixels; JPEG has no more
	maxPixels = 64 << 20 // of one image: 8192 × 8192

	// maxCanvas is how many bytes the pixels of all images may take that are
	// encoded at the same time.
	maxCanvas = 512 << 20
)

// Size is that of an image, in pixels.
type Size struct{ Width, Height int }

// Images describes images of random noise: every pixel is drawn by itself, so
// they are as large as images of their size get, and no two are the same.
type Images struct {
	Count   int
	Sizes   []Size // at least one; taken in turn
	Draw    bool   // draw the sizes instead
	Format  string // "jpeg" or "png"
	Quality int    // of JPEG, 1 to 100
	Seed    uint64 // equal seeds give equal images, on every machine
	Same    bool   // one image for all elements
}

// Make makes the images on all cores. It ends early, with ctx's error, when ctx
// ends.
func (m Images) Make(ctx context.Context) (*MediaList, error) { return m.make(ctx, new(atomic.Int64)) }

func (m Images) make(ctx context.Context, done *atomic.Int64) (*MediaList, error) {
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("images: %w", err)
	}
	distinct := m.Count
	if m.Same {
		distinct = 1
	}
	list := &MediaList{items: make([]*Media, distinct)}
	kept := newStore("media")
	err := each(ctx, distinct, maxCanvas/(4*m.mostPixels()), done, func() func(int) error {
		var canvas image.RGBA
		var file bytes.Buffer
		var buffer []byte
		return func(i int) (err error) {
			size := m.size(i)
			noise(&canvas, size, m.Seed, uint64(i))
			file.Reset()
			if err := m.encode(&file, &canvas); err != nil {
				return fmt.Errorf("images: image %d of %d×%d pixels: %w", i, size.Width, size.Height, err)
			}
			media := &Media{Kind: Image, Type: "image/" + m.Format, Width: size.Width, Height: size.Height}
			if buffer, err = media.keep(kept, file.Bytes(), buffer); err != nil {
				return fmt.Errorf("images: image %d of %d: %w", i+1, m.Count, err)
			}
			list.items[i] = media
			return nil
		}
	})
	if err != nil {
		return nil, err
	}
	if m.Same {
		list.repeat(m.Count)
	}
	return list, nil
}

func (m *Images) check() error {
	if m.Count < 1 || m.Count > maxMedia {
		return fmt.Errorf("count: %d images is out of range (1 to %d)", m.Count, maxMedia)
	}
	if m.Format != "jpeg" && m.Format != "png" {
		return fmt.Errorf(`format: %q is not made here: use "jpeg" or "png"`, m.Format)
	}
	if m.Quality < 1 || m.Quality > 100 {
		return fmt.Errorf("quality: %d is out of range (1 to 100)", m.Quality)
	}
	if len(m.Sizes) == 0 {
		return fmt.Errorf("no size given: pass width and height in pixels, or sizes: [[width, height], …]")
	}
	for _, s := range m.Sizes {
		switch {
		case s.Width < 1 || s.Height < 1:
			return fmt.Errorf("an image of %d×%d pixels is impossible: width and height must be at least 1", s.Width, s.Height)
		case s.Width > maxSide || s.Height > maxSide:
			return fmt.Errorf("an image of %d×%d pixels is too large: width and height may be at most %d", s.Width, s.Height, maxSide)
		case s.Width*s.Height > maxPixels:
			return fmt.Errorf("an image of %d×%d pixels is too large: it may have at most %d in all, such as 8192×8192", s.Width, s.Height, maxPixels)
		}
	}
	return nil
}

func (m *Images) mostPixels() int {
	most := 0
	for _, s := range m.Sizes {
		most = max(most, s.Width*s.Height)
	}
	return most
}

// size is that of image i.
func (m *Images) size(i int) Size {
	if m.Draw {
		return m.Sizes[rand.New(rand.NewPCG(m.Seed, uint64(i))).IntN(len(m.Sizes))]
	}
	return m.Sizes[i%len(m.Sizes)]
}

// noise makes the canvas as large as size and fills it. Each image has random
// numbers of its own: which goroutine makes it does not matter.
func noise(canvas *image.RGBA, size Size, seed, i uint64) {
	n := 4 * size.Width * size.Height
	if cap(canvas.Pix) < n {
		canvas.Pix = make([]byte, n)
	}
	canvas.Pix = canvas.Pix[:n]
	canvas.Stride = 4 * size.Width
	canvas.Rect = image.Rect(0, 0, size.Width, size.Height)
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	binary.LittleEndian.PutUint64(key[8:], i)
	_, _ = rand.NewChaCha8(key).Read(canvas.Pix) // never fails
	for at := 3; at < n; at += 4 {
		canvas.Pix[at] = 0xff // opaque
	}
}

func (m *Images) encode(file *bytes.Buffer, canvas *image.RGBA) error {
	if m.Format == "png" {
		// Noise cannot be compressed; to try takes ten times as long.
		return (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(file, canvas)
	}
	return jpeg.Encode(file, canvas, &jpeg.Options{Quality: m.Quality})
}
