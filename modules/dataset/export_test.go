package dataset

import "time"

// Impatient makes a module tell progress at once, and all the time.
func (m *Module) Impatient() *Module {
	m.first, m.next = time.Microsecond, time.Microsecond
	return m
}

// NewStore makes a store that keeps limit bytes in memory.
func NewStore(limit int64) *Store { return &Store{&store{what: "media", limit: limit}} }

// Store is a store, for tests.
type Store struct{ s *store }

// Put keeps b and returns a function that appends it.
func (s *Store) Put(b []byte) (func(dst []byte) ([]byte, error), error) {
	kept, err := s.s.put(b)
	return kept.appendTo, err
}

// InMemory and InFile are the bytes that are kept in each place.
func (s *Store) InMemory() int64 { return s.s.memory }
func (s *Store) InFile() int64   { return s.s.end }

var (
	ReadNames = readNames
	Describe  = describe
	Progress  = progress
)

// Kept is how many bytes of text a dataset keeps.
func Kept(d *Dataset) (bytes int) {
	for _, e := range d.entries {
		if t, ok := e.prompt.(*stored); ok {
			bytes += t.length
		}
	}
	return bytes
}
