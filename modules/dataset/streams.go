package dataset

import "math/rand/v2"

// Each purpose has its own random numbers, so that to draw more for one does not
// change the others, and which goroutine makes an item does not matter.
const (
	lengthStream uint64 = iota << 56 // of item i
	itemStream
	groupStream  // of a group's prefix
	blockStream  // of a block
	choiceStream // of a whole dataset: sampling, shuffling, mixing
)

// seeded is the source of random numbers number n of a purpose. n below 2^56.
func seeded(seed, stream, n uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, stream^n))
}
