package convention

import (
	"fmt"
	"math"
	"time"
)

// common are the notes that hold under every convention.
func (l *load) common() {
	if l.partial {
		if k := l.of.Kept; k != nil && k.Every > 1 {
			l.note("The run kept one request of every %d (%d of %d): totals, rates and peaks cannot be computed from them, the other rows are those of the kept ones. With --records a run keeps all.", k.Every, k.Requests, k.Of)
		} else {
			l.note("The file lacks some of the %d requests of this case: totals, rates and peaks cannot be computed, the other rows are those of the ones that it has.", l.of.Counts.Requests)
		}
	}
	if l.cut > 0 {
		l.note("%s cut off with the end of the case, which this tool would have waited for: left out.", requests(l.cut, "was", "were"))
	}
	late := 0
	for i := range l.calls {
		if c := &l.calls[i]; c.ok() && !c.whole && len(c.events) > 0 && !c.measured {
			late++
		}
	}
	if late > 0 {
		l.note("Of %s the first token came in one read with later ones, so that its time is an upper bound: weir leaves it out of ttft and tpot, this tool takes it for the time.", requests(late, "", ""))
	}
	if l.whole() != nil {
		l.note("weir's numbers are those of the whole case, as the tool's are, not of the steady window.")
	}
}

// openings tells what is in the times because connections were opened. each says that
// the tool opens one for every request.
func (l *load) openings(each bool) {
	var opened, reused int
	var took time.Duration
	for i := range l.calls {
		switch c := &l.calls[i]; {
		case !c.started:
		case c.opened > 0:
			opened++
			took += c.opened
		default:
			reused++
		}
	}
	if opened > 0 {
		l.note("The clock starts before a connection is opened: %s opened one, which took %.3g ms on average and is part of %s latencies here.", requests(opened, "", ""), ms(took)/float64(opened), their(opened))
	}
	if each && reused > 0 {
		l.note("This tool opens a connection for every request; %s sent on one that was open, and what opening another would have taken is in no record: it is missing from the times here.", requests(reused, "was", "were"))
	}
}

// roles tells that the first event of a chat is not in the records. least is where it
// could have been at the earliest.
func (l *load) roles() {
	var n int
	var head, first time.Duration
	for i := range l.calls {
		if c := &l.calls[i]; c.ok() && !c.whole && len(c.events) > 0 && c.head > 0 {
			n++
			head += c.head
			first += c.events[0]
		}
	}
	if n == 0 {
		return
	}
	l.note("This tool takes the first event of any kind for the first token. One without text, such as the role at the beginning of a chat, is not in the records: the first token event was taken. If such an event came early, its TTFT would be lower, down to the response's head (%.4g ms on average, first token event %.4g ms).", ms(head)/float64(n), ms(first)/float64(n))
}

// ends tells which moment was taken for the last event.
func (l *load) ends(of string) {
	l.note("The time of %s is not in the records: the end of the response was taken, which comes with it or right after it.", of)
}

// sources tells that token counts are not those that the tool would have had.
func (l *load) sources(would string) {
	n := 0
	for i := range l.calls {
		if c := &l.calls[i]; c.ok() && !c.usage {
			n++
		}
	}
	if n > 0 {
		l.note("Of %s the service did not count the output: %s; the record's count was taken.", requests(n, "", ""), would)
	}
}

// inputs is the sum of prompt tokens of calls; NaN when some are not known.
func (l *load) inputs(calls []*call) float64 {
	sum := 0.0
	for _, c := range calls {
		if !c.inKnown {
			l.note("The prompt tokens of some requests are not in the records: totals with them cannot be computed.")
			return math.NaN()
		}
		sum += float64(c.in)
	}
	return sum
}

// requests writes a number of them, with a verb.
func requests(n int, one, many string) string {
	text := fmt.Sprintf("%d requests", n)
	verb := many
	if n == 1 {
		text, verb = "1 request", one
	}
	if verb != "" {
		text += " " + verb
	}
	return text
}

func their(n int) string {
	if n == 1 {
		return "its"
	}
	return "their"
}
