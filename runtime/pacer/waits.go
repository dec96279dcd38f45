package pacer

import "time"

// wait is a sleeping goroutine, or a function that is to be called.
type wait struct {
	until     time.Duration            // since the pacer's base
	call      func() (time.Time, bool) // nil: the goroutine itself waits
	place     int                      // in the heap; -1 when it has left it
	cancelled bool                     // it is not to go back into the heap
	over      chan error               // capacity 1; nil when it ended as it should
}

// waits is a binary heap, earliest first. container/heap would do the same at
// some times the cost, and this is done twice for every event that is paced.
type waits []*wait

func (h *waits) push(w *wait) {
	*h = append(*h, w)
	h.up(len(*h)-1, w)
}

// pop takes out the earliest one.
func (h *waits) pop() *wait {
	first := (*h)[0]
	h.remove(0)
	return first
}

// remove takes out the one at a place.
func (h *waits) remove(place int) {
	end := len(*h) - 1
	gone, last := (*h)[place], (*h)[end]
	(*h)[end] = nil
	*h = (*h)[:end]
	gone.place = -1
	if place == end {
		return
	}
	h.down(place, last)
	h.up(last.place, last)
}

// up puts w at a place, or nearer to the root while its parent there is later.
func (h waits) up(place int, w *wait) {
	for place > 0 {
		parent := (place - 1) / 2
		if h[parent].until <= w.until {
			break
		}
		h.put(place, h[parent])
		place = parent
	}
	h.put(place, w)
}

// down puts w at a place, or farther from the root while a child there is earlier.
func (h waits) down(place int, w *wait) {
	for {
		child := 2*place + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].until < h[child].until {
			child++
		}
		if w.until <= h[child].until {
			break
		}
		h.put(place, h[child])
		place = child
	}
	h.put(place, w)
}

func (h waits) put(place int, w *wait) {
	h[place] = w
	w.place = place
}
