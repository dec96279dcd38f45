package health

import (
	"os"
	"testing"
)

// BenchmarkSample is what a monitor costs each second, besides ten wake-ups.
func BenchmarkSample(b *testing.B) {
	s := newSystem(os.DirFS("/"))
	b.ReportAllocs()
	for b.Loop() {
		s.sample()
		s.residentBytes()
		s.openFiles(false)
	}
}
