package dataset

import (
	"encoding/base64"
	"slices"
)

// Kind is what a Media is.
type Kind string

const (
	Image Kind = "image"
	Audio Kind = "audio"
)

// maxMedia bounds the number of media in a list.
const maxMedia = 1_000_000

// Media is an image or a sound as it goes into a request: encoded, and in
// base64 already. It does not change any more and may be used by several goroutines.
type Media struct {
	Kind       Kind
	Type       string  // such as "image/jpeg", "" where it is not known
	Width      int     // of an image, pixels; 0 where it is not known
	Height     int     // of an image, pixels; 0 where it is not known
	Seconds    float64 // of a sound, 0 where it is not known
	SampleRate int     // of a sound, per second; 0 where it is not known
	Bytes      int     // of the file, before base64; 0 where it is not known

	url  string // passed on as it is, "" when there are data
	data blob   // in base64
}

// keep encodes a file and puts it into the store. buffer is for the encoding,
// and returned for the next one.
func (m *Media) keep(s *store, file, buffer []byte) ([]byte, error) {
	m.Bytes = len(file)
	buffer = base64.StdEncoding.AppendEncode(buffer[:0], file)
	var err error
	m.data, err = s.put(buffer)
	return buffer, err
}

// format is what chat services call a sound's type: "wav", "mp3".
func (m *Media) format() string { return soundFormats[m.Type] }

// AppendURL appends the URL of an image: the one that it was given, or one with
// its data.
func (m *Media) AppendURL(dst []byte) ([]byte, error) {
	if m.url != "" {
		return append(dst, m.url...), nil
	}
	dst = append(append(append(dst, "data:"...), m.Type...), ";base64,"...)
	return m.data.appendTo(dst)
}

// AppendPart appends the part of a chat message's content that this is, as JSON:
// {"type":"image_url",…} or {"type":"input_audio",…}.
func (m *Media) AppendPart(dst []byte) ([]byte, error) {
	var err error
	if m.Kind == Audio {
		dst = append(dst, `{"type":"input_audio","input_audio":{"data":"`...)
		if dst, err = m.data.appendTo(dst); err != nil {
			return dst, err
		}
		dst = append(append(dst, `","format":"`...), m.format()...)
		return append(dst, `"}}`...), nil
	}
	dst = append(dst, `{"type":"image_url","image_url":{"url":`...)
	if m.url != "" {
		dst = appendQuoted(dst, m.url)
	} else {
		dst = append(dst, '"')
		if dst, err = m.AppendURL(dst); err != nil {
			return dst, err
		}
		dst = append(dst, '"')
	}
	return append(dst, "}}"...), nil
}

// size is about how many bytes its part of a message has.
func (m *Media) size() int { return m.data.length + len(m.url) + 128 }

// MediaList is a list of media that does not change any more. It may be read by
// several goroutines.
type MediaList struct {
	items   []*Media
	skipped int
}

// Len is the number of media.
func (l *MediaList) Len() int { return len(l.items) }

// At returns element i, 0 ≤ i < Len().
func (l *MediaList) At(i int) *Media { return l.items[i] }

// Skipped is how many records of the file that named the media had none.
func (l *MediaList) Skipped() int { return l.skipped }

// repeat makes a list of one element that stands in it n times.
func (l *MediaList) repeat(n int) {
	l.items = slices.Repeat(l.items[:1], n)
}
