package llm

import "strconv"

// bodyWriter appends the members of a request's JSON object, all but those that
// the script's extraBody gives, which come at the end.
type bodyWriter struct {
	b     []byte
	more  bool     // the object has members already
	extra []member // of the script, for this object
	taken uint64   // those of extra that object has written, by index
}

// member is a member of a JSON object that the script gave.
type member struct {
	key     string
	json    []byte
	members []member // of json, when that is an object
}

// write begins the body of a request.
func (c *call) write(dst []byte) bodyWriter {
	return bodyWriter{b: append(dst, '{'), extra: c.extra}
}

// end appends the script's members and closes the object.
func (w *bodyWriter) end() []byte {
	for i, m := range w.extra {
		if i < 64 && w.taken&(1<<i) != 0 {
			continue
		}
		w.comma()
		w.b = append(appendString(w.b, m.key), ':')
		w.b = append(w.b, m.json...)
	}
	return append(w.b, '}')
}

func (w *bodyWriter) comma() {
	if w.more {
		w.b = append(w.b, ',')
	}
	w.more = true
}

// find returns the index of the script's member with that key, -1 for none.
func (w *bodyWriter) find(name string) int {
	for i := range w.extra {
		if w.extra[i].key == name {
			return i
		}
	}
	return -1
}

// key begins a member; false when the script gives it.
func (w *bodyWriter) key(name string) bool {
	if w.find(name) >= 0 {
		return false
	}
	w.name(name)
	return true
}

func (w *bodyWriter) name(name string) {
	w.comma()
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

// object writes a member that is an object, whose members write writes. An
// object that the script gives is merged into it.
func (w *bodyWriter) object(name string, write func(*bodyWriter)) {
	inner := bodyWriter{}
	if i := w.find(name); i >= 0 {
		if w.extra[i].members == nil || i >= 64 {
			return
		}
		w.taken |= 1 << i
		inner.extra = w.extra[i].members
	}
	w.name(name)
	inner.b = append(w.b, '{')
	write(&inner)
	w.b = inner.end()
}

func (w *bodyWriter) text(name, value string) {
	if w.key(name) {
		w.b = appendString(w.b, value)
	}
}

// raw writes a value that is JSON already; nil is left out.
func (w *bodyWriter) raw(name string, json []byte) {
	if json != nil && w.key(name) {
		w.b = append(w.b, json...)
	}
}

func (w *bodyWriter) boolean(name string, value bool) {
	if w.key(name) {
		w.b = strconv.AppendBool(w.b, value)
	}
}

// flag writes true; false is left out.
func (w *bodyWriter) flag(name string, value bool) {
	if value {
		w.boolean(name, true)
	}
}

// number writes a number; nil is left out.
func (w *bodyWriter) number(name string, value *float64) {
	if value != nil && w.key(name) {
		w.b = strconv.AppendFloat(w.b, *value, 'f', -1, 64)
	}
}

// count writes a number of tokens; 0 is left out.
func (w *bodyWriter) count(name string, n int) {
	if n > 0 && w.key(name) {
		w.b = strconv.AppendInt(w.b, int64(n), 10)
	}
}

// ids writes a list of token ids.
func (w *bodyWriter) ids(name string, ids []int) {
	if !w.key(name) {
		return
	}
	w.b = append(w.b, '[')
	for i, id := range ids {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = strconv.AppendInt(w.b, int64(id), 10)
	}
	w.b = append(w.b, ']')
}

// prompt writes the prompt as a text or as token ids.
func (w *bodyWriter) prompt(c *call, text, ids string) {
	if c.promptIDs != nil {
		w.ids(ids, c.promptIDs)
	} else {
		w.text(text, c.prompt)
	}
}

// chat writes the messages, or the prompt as the only one, of the user.
func (w *bodyWriter) chat(c *call, name string) {
	if c.list != nil {
		if w.key(name) && c.unwritten == nil {
			w.b, c.unwritten = c.list.AppendMessages(w.b)
		}
	} else if c.messages != nil {
		w.raw(name, c.messages)
	} else if w.key(name) {
		w.b = append(w.b, `[{"role":"user","content":`...)
		w.b = append(appendString(w.b, c.prompt), "}]"...)
	}
}

// sampling writes the numbers that say how tokens are drawn.
func (w *bodyWriter) sampling(c *call) {
	w.number("temperature", c.temperature)
	w.number("top_p", c.topP)
	w.number("top_k", c.topK)
	w.number("seed", c.seed)
}

// drawing writes the same for services that are told whether to draw at all:
// with a temperature of 0 they are not, and the other numbers have no meaning.
// ("do_sample" of Hugging Face's transformers, which TGI, MindSpore and MindIE
// have taken over.)
func (w *bodyWriter) drawing(c *call) {
	switch {
	case c.temperature == nil:
		w.number("top_p", c.topP)
		w.number("top_k", c.topK)
		w.number("seed", c.seed)
	case *c.temperature == 0:
		w.boolean("do_sample", false)
	default:
		w.boolean("do_sample", true)
		w.sampling(c)
	}
}

// stops writes the texts at which the service stops, always as a list.
func (w *bodyWriter) stops(name string, c *call) {
	switch {
	case c.stop == nil:
	case c.stop[0] == '[':
		w.raw(name, c.stop)
	default:
		if w.key(name) {
			w.b = append(append(append(w.b, '['), c.stop...), ']')
		}
	}
}
