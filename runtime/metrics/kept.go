package metrics

import (
	"cmp"
	"encoding/binary"
	"iter"
	"maps"
	"math"
	"reflect"
	"slices"
	"sync/atomic"
	"time"

	"weir/runtime/result"
)

// KeptBytes is about how much memory the requests of a case are kept in: four million
// token events.
const KeptBytes = 16 << 20

// A recorder keeps the requests that have ended, a few bytes a token event, for the
// windows of the case and for the file of requests. When they take more than they may,
// every second one is given up, and again: of each 2, 4, 8, … successive ones, in the order
// in which they began, one stays. Which one looks like chance, so that no user of several
// who take turns is preferred, but depends on the number alone. Requests lie by the round
// in which they are given up (their level), so that this costs nothing.

// keptLevels is how many levels there are.
const keptLevels = 32

type kept struct {
	most  int64        // bytes; 0: nothing is kept
	low   atomic.Int32 // levels below are given up
	bytes [keptLevels]atomic.Int64
	total atomic.Int64 // of the levels from low on
}

// level is that of a request's number. In each round, one of two successive blocks of
// numbers that are left loses.
func level(number int64) int {
	n := uint64(number)
	for l := range keptLevels - 1 {
		// The last step of SplitMix64 makes a coin of the pair's number.
		coin := (n>>(l+1)<<8 | uint64(l)) * 0x9e3779b97f4a7c15
		coin = (coin ^ coin>>30) * 0xbf58476d1ce4e5b9
		if (coin^coin>>31)&1 != n>>l&1 {
			return l
		}
	}
	return keptLevels - 1
}

// keep keeps a record that has ended. The caller holds s.mu.
func (s *shard) keep(rec *Record) {
	k := &s.recorder.kept
	low := int(k.low.Load())
	for ; s.kept.low < low; s.kept.low++ {
		s.kept.levels[s.kept.low] = nil
	}
	at := level(rec.number)
	if at < low {
		return
	}
	n := s.kept.add(at, rec, s.recorder.origin)
	k.bytes[at].Add(n)
	if k.total.Add(n) > k.most && low < keptLevels-1 && k.low.CompareAndSwap(int32(low), int32(low+1)) {
		k.total.Add(-k.bytes[low].Load())
	}
}

// Kept says how many of the requests that have ended [Recorder.Requests] yields.
func (r *Recorder) Kept() result.Kept {
	if r == nil {
		return result.Kept{}
	}
	k := result.Kept{Every: 1 << r.kept.low.Load()}
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		k.Of += s.sums.requests
		s.mu.Unlock()
	}
	k.Requests = int64(len(r.index()))
	return k
}

// Requests yields the requests that are kept, in the order in which they began, with
// times to the microsecond. Each is valid until the next one. To be called when no
// request is open.
func (r *Recorder) Requests() iter.Seq[*Record] { return r.requests(math.MaxInt) }

// requests yields the same with so many token events of each at most.
func (r *Recorder) requests(events int) iter.Seq[*Record] {
	return func(yield func(*Record) bool) {
		if r == nil {
			return
		}
		d := decoder{most: events}
		for _, at := range r.index() {
			if !yield(d.decode(at.packed, at.in, r.origin)) {
				return
			}
		}
	}
}

// keptAt is where a kept request lies.
type keptAt struct {
	number int64
	packed []byte
	in     *keptShard
}

// index finds the requests that are kept, in the order of their numbers.
func (r *Recorder) index() (all []keptAt) {
	low := int(r.kept.low.Load())
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for _, pages := range s.kept.levels[low:] {
			for _, page := range pages {
				for len(page) > 0 {
					size, n := binary.Uvarint(page)
					packed := page[n : n+int(size)]
					page = page[n+int(size):]
					number, _ := binary.Uvarint(packed)
					all = append(all, keptAt{int64(number), packed, &s.kept})
				}
			}
		}
		s.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b keptAt) int { return cmp.Compare(a.number, b.number) })
	return all
}

// keptShard is what a shard keeps.
type keptShard struct {
	low     int // levels below have been given back
	levels  [keptLevels][][]byte
	senders []sender
	texts   []string // that occur often: models, hosts, reasons
	known   map[string]int
	last    [textRoles]struct {
		text string
		ref  uint64
	}
	packed []byte // room for one request
}

// sender is what many requests have in common.
type sender struct {
	recorder *Recorder
	scenario string
	tags     map[string]string
}

// The roles of texts: each mostly has the value of the request before.
const (
	modelText = iota
	hostText
	finishText
	errorKindText
	errorText
	textRoles
)

const (
	firstPage = 1 << 10
	lastPage  = 1 << 16
	keptTexts = 256     // further ones are written out
	keptRoom  = 1 << 20 // bytes of room for one request that are used again
)

// add packs a record, and returns how many bytes it takes.
func (k *keptShard) add(level int, rec *Record, origin time.Time) int64 {
	k.packed = k.pack(k.packed[:0], rec, origin)
	var size [binary.MaxVarintLen64]byte
	head := binary.PutUvarint(size[:], uint64(len(k.packed)))
	need := head + len(k.packed)
	pages := k.levels[level]
	last := len(pages) - 1
	if last < 0 || cap(pages[last])-len(pages[last]) < need {
		room := firstPage
		if last >= 0 {
			room = min(2*cap(pages[last]), lastPage)
		}
		pages = append(pages, make([]byte, 0, max(room, need)))
		last++
	}
	pages[last] = append(append(pages[last], size[:head]...), k.packed...)
	k.levels[level] = pages
	if cap(k.packed) > keptRoom {
		k.packed = nil
	}
	return int64(need)
}

// sender gives the number of a record's sender.
func (k *keptShard) sender(it *Iteration) int {
	for i := range k.senders {
		s := &k.senders[i]
		if s.recorder == it.Recorder && s.scenario == it.Scenario && sameTags(s.tags, it.Tags) {
			return i
		}
	}
	k.senders = append(k.senders, sender{it.Recorder, it.Scenario, it.Tags})
	return len(k.senders) - 1
}

func sameTags(a, b map[string]string) bool {
	return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer() || maps.Equal(a, b)
}

// text appends a text: its number from 1, or 0 and the text itself.
func (k *keptShard) text(to []byte, role int, text string) []byte {
	last := &k.last[role]
	if last.text != text || last.ref == 0 {
		n, known := k.known[text]
		if !known && len(k.texts) >= keptTexts {
			to = binary.AppendUvarint(append(to, 0), uint64(len(text)))
			return append(to, text...)
		}
		if !known {
			if k.known == nil {
				k.known = map[string]int{}
			}
			n = len(k.texts)
			k.known[text] = n
			k.texts = append(k.texts, text)
		}
		last.text, last.ref = text, uint64(n)+1
	}
	return binary.AppendUvarint(to, last.ref)
}
