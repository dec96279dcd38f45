package main

import "slices"

// pair is two neighbouring tokens.
type pair struct{ left, right string }

// piece is a pre-token, cut into the tokens that stand for it so far.
type piece struct {
	tokens []string
	count  int
}

// train learns n merges by byte-pair encoding: again and again the most frequent
// pair of neighbours becomes one token. Among equally frequent pairs the
// smallest one wins, so that equal counts give equal merges.
func train(counts map[string]int, n int) []pair {
	var pieces []piece
	for text, count := range counts {
		p := piece{count: count}
		for _, b := range []byte(text) {
			p.tokens = append(p.tokens, standIn(b))
		}
		pieces = append(pieces, p)
	}

	total := map[pair]int{}
	for _, p := range pieces {
		p.countPairs(total, 1)
	}
	var merges []pair
	for len(merges) < n {
		best, ok := mostFrequent(total)
		if !ok {
			break // nothing left to merge
		}
		merges = append(merges, best)
		for i := range pieces {
			p := &pieces[i]
			if !p.contains(best) {
				continue
			}
			p.countPairs(total, -1)
			p.tokens = merge(p.tokens, best)
			p.countPairs(total, 1)
		}
	}
	return merges
}

// countPairs adds the piece's pairs to total, or takes them away with sign -1.
func (p *piece) countPairs(total map[pair]int, sign int) {
	for i := 1; i < len(p.tokens); i++ {
		total[pair{p.tokens[i-1], p.tokens[i]}] += sign * p.count
	}
}

func (p *piece) contains(q pair) bool {
	for i := 1; i < len(p.tokens); i++ {
		if p.tokens[i-1] == q.left && p.tokens[i] == q.right {
			return true
		}
	}
	return false
}

func mostFrequent(total map[pair]int) (best pair, ok bool) {
	most := 0
	for candidate, count := range total {
		if count > most || count == most && less(candidate, best) {
			best, most = candidate, count
		}
	}
	return best, most > 0
}

// less orders pairs by their texts.
func less(a, b pair) bool {
	return a.left < b.left || a.left == b.left && a.right < b.right
}

// merge joins every occurrence of the pair, from left to right, in place.
func merge(tokens []string, p pair) []string {
	out := tokens[:0]
	for i := 0; i < len(tokens); i++ {
		if i+1 < len(tokens) && tokens[i] == p.left && tokens[i+1] == p.right {
			out = append(out, p.left+p.right)
			i++
			continue
		}
		out = append(out, tokens[i])
	}
	return out
}

// standIn is the printable character that stands for a byte in byte-level BPE,
// as GPT-2 has it: printable Latin-1 bytes are themselves, the others follow from
// U+0100 on, in order.
func standIn(b byte) string { return standIns[b] }

var standIns = func() (table [256]string) {
	next := rune(256)
	for b := range table {
		printable := b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE
		if printable {
			table[b] = string(rune(b))
		} else {
			table[b] = string(next)
			next++
		}
	}
	return table
}()

// alphabet is the 256 stand-ins in the order of their characters.
func alphabet() []string {
	out := slices.Clone(standIns[:])
	slices.Sort(out)
	return out
}
