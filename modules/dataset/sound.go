package dataset

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
)

// Limits of sounds.
const (
	minRate  = 1000
	maxRate  = 192_000
	maxSound = 64 << 20 // bytes of one: more than half an hour at 16 kHz
)

// wavHead is the length of the head of a WAV file, in bytes.
const wavHead = 44

// Sounds describes sounds of white noise: one channel of 16 bits, as WAV.
type Sounds struct {
	Count      int
	Seconds    float64 // length of each, to the nearest sample
	SampleRate int     // per second
	Seed       uint64  // equal seeds give equal sounds, on every machine
	Same       bool    // one sound for all elements
}

// Make makes the sounds on all cores. It ends early, with ctx's error, when ctx
// ends.
func (m Sounds) Make(ctx context.Context) (*MediaList, error) { return m.make(ctx, new(atomic.Int64)) }

func (m Sounds) make(ctx context.Context, done *atomic.Int64) (*MediaList, error) {
	samples, err := m.samples()
	if err != nil {
		return nil, fmt.Errorf("audio: %w", err)
	}
	distinct := m.Count
	if m.Same {
		distinct = 1
	}
	list := &MediaList{items: make([]*Media, distinct)}
	kept := newStore("media")
	err = each(ctx, distinct, maxCanvas/(wavHead+2*samples), done, func() func(int) error {
		var file, buffer []byte
		return func(i int) (err error) {
			file = appendWAV(file[:0], samples, m.SampleRate, m.Seed, uint64(i))
			media := &Media{Kind: Audio, Type: "audio/wav", Seconds: float64(samples) / float64(m.SampleRate), SampleRate: m.SampleRate}
			if buffer, err = media.keep(kept, file, buffer); err != nil {
				return fmt.Errorf("audio: sound %d of %d: %w", i+1, m.Count, err)
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

// samples checks the description and returns how many samples a sound has.
func (m *Sounds) samples() (int, error) {
	if m.Count < 1 || m.Count > maxMedia {
		return 0, fmt.Errorf("count: %d sounds is out of range (1 to %d)", m.Count, maxMedia)
	}
	if m.SampleRate < minRate || m.SampleRate > maxRate {
		return 0, fmt.Errorf("sampleRate: %d samples per second is out of range (%d to %d): services expect 16000 or 24000", m.SampleRate, minRate, maxRate)
	}
	samples := math.Round(m.Seconds * float64(m.SampleRate))
	if !(samples >= 1) { // also NaN
		return 0, fmt.Errorf("seconds: a sound of %v seconds is impossible: it has not one sample", m.Seconds)
	}
	if most := (maxSound - wavHead) / 2; samples > float64(most) {
		return 0, fmt.Errorf("seconds: a sound of %v seconds is too long: at %d samples per second it may have %d", m.Seconds, m.SampleRate, most/m.SampleRate)
	}
	return int(samples), nil
}

// appendWAV appends a file of white noise, a quarter as loud as can be.
func appendWAV(dst []byte, samples, rate int, seed, i uint64) []byte {
	little := binary.LittleEndian
	size := uint32(2 * samples)
	dst = append(dst, "RIFF"...)
	dst = little.AppendUint32(dst, size+wavHead-8)
	dst = append(dst, "WAVEfmt "...)
	dst = little.AppendUint32(dst, 16)             // bytes of what follows up to "data"
	dst = little.AppendUint16(dst, 1)              // PCM
	dst = little.AppendUint16(dst, 1)              // channels
	dst = little.AppendUint32(dst, uint32(rate))   // samples a second
	dst = little.AppendUint32(dst, uint32(2*rate)) // bytes a second
	dst = little.AppendUint16(dst, 2)              // bytes a sample
	dst = little.AppendUint16(dst, 16)             // bits a sample
	dst = append(dst, "data"...)
	dst = little.AppendUint32(dst, size)
	random := rand.NewPCG(seed, i)
	for range samples {
		dst = little.AppendUint16(dst, uint16(int16(random.Uint64()>>48)/4))
	}
	return dst
}
