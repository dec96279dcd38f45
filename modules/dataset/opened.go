package dataset

import (
	"path/filepath"
	"slices"
)

// maxOpened is how many paths are remembered: the pictures of a folder may be many more.
const maxOpened = 10_000

// Files are the files and folders that the run's data was read from, by their absolute
// paths, sorted; URLs are none. Any goroutine may call it, at any time.
func (m *Module) Files() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	files := slices.Clone(m.opened)
	slices.Sort(files)
	return slices.Compact(files)
}

// note remembers what was read.
func (m *Module) note(paths ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, path := range paths {
		if isURL(path) || len(m.opened) == maxOpened {
			continue
		}
		if absolute, err := filepath.Abs(path); err == nil && !slices.Contains(m.opened, absolute) {
			m.opened = append(m.opened, absolute)
		}
	}
}
