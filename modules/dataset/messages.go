package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Messages are a list of chat messages as JSON that is put together when it is
// needed. They do not change any more and may be used by several goroutines.
type Messages struct {
	pieces []piece
}

// piece is a part of the JSON: one of its fields is set.
type piece struct {
	json  string // as it is
	text  string // to be quoted
	whole text   // JSON as it is, fetched when it is written
	lazy  text   // to be quoted, fetched when it is written
	media *Media // a part of a message's content
}

// AppendMessages appends the list as JSON. It is quick: an image that is in the
// store's file is read into dst by one call of the system.
func (m *Messages) AppendMessages(dst []byte) ([]byte, error) {
	size := 0
	for i := range m.pieces {
		p := &m.pieces[i]
		size += len(p.json) + len(p.text) + 2
		if p.media != nil {
			size += p.media.size()
		}
	}
	dst = slices.Grow(dst, size)
	for i := range m.pieces {
		switch p := &m.pieces[i]; {
		case p.media != nil:
			var err error
			if dst, err = p.media.AppendPart(dst); err != nil {
				return dst, err
			}
		case p.whole != nil:
			text, err := p.whole.read()
			if err != nil {
				return dst, err
			}
			dst = append(dst, text...)
		case p.lazy != nil:
			text, err := p.lazy.read()
			if err != nil {
				return dst, err
			}
			dst = appendQuoted(dst, text)
		case p.json != "":
			dst = append(dst, p.json...)
		default:
			dst = appendQuoted(dst, p.text)
		}
	}
	return dst, nil
}

// appendQuoted appends s as a JSON string.
func appendQuoted(dst []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can always be written to memory
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// attachment is what goes with each prompt of a dataset.
type attachment struct {
	lists      []*MediaList
	perPrompt  int    // of each list
	mediaFirst bool   // before the prompt instead of after it
	system     string // the text of a message before the user's, "" for none
}

// messages are those of an item.
func (a *attachment) messages(it Item) *Messages {
	m := &Messages{pieces: make([]piece, 0, 6+2*a.perPrompt*len(a.lists))}
	add := func(p ...piece) { m.pieces = append(m.pieces, p...) }
	add(piece{json: "["})
	var prompt text = plain("")
	if it.e.prompt != nil {
		prompt = it.e.prompt
	}
	if a.system != "" {
		add(piece{json: `{"role":"system","content":`}, piece{text: a.system}, piece{json: "},"})
	} else if system := it.details().system; system != nil {
		add(piece{json: `{"role":"system","content":`}, piece{lazy: system}, piece{json: "},"})
	}
	add(piece{json: `{"role":"user","content":[`})
	if !a.mediaFirst {
		add(piece{json: `{"type":"text","text":`}, piece{lazy: prompt}, piece{json: "}"})
	}
	for _, list := range a.lists {
		for k := range a.perPrompt {
			if last := m.pieces[len(m.pieces)-1]; last.media != nil || last.json == "}" {
				add(piece{json: ","})
			}
			add(piece{media: list.items[(int(it.e.media)*a.perPrompt+k)%len(list.items)]})
		}
	}
	if a.mediaFirst {
		add(piece{json: `,{"type":"text","text":`}, piece{lazy: prompt}, piece{json: "}"})
	}
	add(piece{json: "]}]"})
	return m
}

// WithMedia is the dataset of the same prompts with media: item i takes the next
// perPrompt elements of each list, which is begun again at its end.
func (d *Dataset) WithMedia(lists []*MediaList, perPrompt int) (*Dataset, error) {
	return d.attach(&attachment{lists: lists, perPrompt: perPrompt})
}

func (d *Dataset) attach(a *attachment) (*Dataset, error) {
	entries := make([]entry, len(d.entries))
	for i, e := range d.entries {
		if e.details != nil && e.details.messages != nil {
			return nil, fmt.Errorf("withMedia: item %d is a list of messages, not a prompt", i)
		}
		e.media = int32(i)
		entries[i] = e
	}
	out := d.of(entries)
	out.with = a
	return out, nil
}
