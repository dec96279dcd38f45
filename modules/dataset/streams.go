package dataset

import "math/rand/v2"

// Each purpose has its own random numbers, so that to draw more for one does not
// change the others, and which goroutine makes an item does not matter.
const (
	lengthStream uint64 = iota << 56 // of prompt i, and of what goes with it
	outputStream                     // of output i, asked for afterwards
	itemStream                       // words of prompt i
	groupStream                      // words of a group's prefix
	blockStream                      // words of a block
	choiceStream                     // of a whole dataset: sampling, shuffling, mixing
	systemStream                     // which message of the system item i has
)

// seeded is the source of random numbers number n of a purpose. n below 2^56.
func seeded(seed, stream, n uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, stream^n))
}

// seededText is the source of a text of so many words: texts of other lengths do not begin in the
// same way, so that none finds another one in a prefix cache.
func seededText(seed, stream, n uint64, words int) *rand.Rand {
	return seeded(seed^uint64(words)*0x9e3779b97f4a7c15, stream, n)
}
