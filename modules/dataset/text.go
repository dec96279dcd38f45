package dataset

// text is a text that an item has. It is made or fetched each time it is read, so
// that millions of prompts take no more memory than what cannot be made again.
// Texts do not change and may be read by several goroutines.
type text interface {
	read() (string, error)
}

// plain is a text in memory.
type plain string

func (t plain) read() (string, error) { return string(t), nil }

// stored is a text in a store.
type stored struct{ blob }

func (t *stored) read() (string, error) {
	b, err := t.appendTo(nil)
	return string(b), err
}

// keepText puts a text into the store; "" is nil.
func (s *store) keepText(t string) (text, error) {
	if t == "" {
		return nil, nil
	}
	b, err := s.put([]byte(t))
	return &stored{b}, err
}

// drawn is a text of random words that is written anew each time.
type drawn struct {
	w     *writer
	index uint64 // of the item
	body  int    // words after the prefix
	// prefix is how many words the item shares with all others of its group.
	prefix int
	group  uint64
}

func (t *drawn) read() (string, error) { return t.string(), nil }

func (t *drawn) string() string {
	b := make([]byte, 0, t.w.size*(t.prefix+t.body)+len(t.w.prefix))
	b = append(b, t.w.prefix...)
	b = t.w.appendWords(b, seededText(t.w.seed, groupStream, t.group, t.prefix), t.prefix)
	b = t.w.appendWords(b, seededText(t.w.seed, itemStream, t.index, t.body), t.body)
	return string(b)
}

// blocks is a text of blocks of words, each of which has an id: equal ids give
// equal blocks. Words behind the last block are the item's own.
type blocks struct {
	w     *writer
	index uint64 // of the item
	ids   []int64
	size  int // words in a block; of the last one, what is left
	words int // in all
}

func (t *blocks) read() (string, error) { return t.string(), nil }

func (t *blocks) string() string {
	b := make([]byte, 0, t.w.size*t.words)
	left := t.words
	for _, id := range t.ids {
		n := min(left, t.size)
		b = t.w.appendWords(b, seeded(t.w.seed, blockStream, uint64(id)), n)
		left -= n
	}
	return string(t.w.appendWords(b, seeded(t.w.seed, itemStream, t.index), left))
}
