package dataset

import (
	"fmt"
	"time"
)

// Dataset is a list of items that does not change any more. It may be read by
// several goroutines. What narrows, orders or extends one makes a new Dataset,
// which shares the texts with it.
type Dataset struct {
	entries []entry
	source  *source     // of what was read; nil for what was made
	parts   []string    // of a mix, their names
	inexact int         // of entries
	repeats bool        // items may come again, as in a mix
	with    *attachment // media that go with the prompts, nil for none
	groups  *groups     // of prefixes, nil for none
}

// entry is an item. Most have no details, so that a million of them are small.
type entry struct {
	prompt       text
	promptTokens int32 // 0: not known
	outputTokens int32 // 0: not known
	part         int32 // index of parts
	media        int32 // number of the item when it was given its media
	inexact      bool
	timed        bool
	group        int32         // of those that share a prefix, from 1; 0: it has none
	at           time.Duration // of a trace
	details      *details      // nil: none
}

// details are what only items of some files have.
type details struct {
	output   text   // nil: none
	system   text   // nil: none
	turns    text   // JSON; nil: none
	messages text   // JSON; nil: none
	session  string // "": none
	turn     int
	delay    time.Duration
	hasDelay bool
	model    string
	kind     string
	length   int // tokens of the recorded output; 0: not known
	before   int // tokens of system, which are among the prompt's

	hashes    []int64 // of the prompt's blocks; nil: none
	blockSize int     // tokens
}

// Len is the number of items.
func (d *Dataset) Len() int { return len(d.entries) }

// At returns item i, 0 ≤ i < Len().
func (d *Dataset) At(i int) Item { return Item{d: d, e: &d.entries[i], i: i} }

// Lengths are PromptTokens and OutputTokens of item i, for whoever adds them up.
func (d *Dataset) Lengths(i int) (prompt, output int) { return d.At(i).Lengths() }

// Inexact is how many prompts do not have the asked number of tokens, because
// no text of that length was found. Their PromptTokens is the true number.
func (d *Dataset) Inexact() int { return d.inexact }

// of returns a dataset of other items.
func (d *Dataset) of(entries []entry) *Dataset {
	out := *d
	out.entries = entries
	out.inexact = 0
	for i := range entries {
		if entries[i].inexact {
			out.inexact++
		}
	}
	return &out
}

// Item is one request to be made. It may be used by several goroutines.
type Item struct {
	d *Dataset
	e *entry
	i int
}

var noDetails details

func (it Item) details() *details {
	if it.e.details == nil {
		return &noDetails
	}
	return it.e.details
}

func readText(t text) (string, error) {
	if t == nil {
		return "", nil
	}
	return t.read()
}

// Prompt is the text to be sent; for a conversation, its first question.
func (it Item) Prompt() (string, error) { return readText(it.e.prompt) }

// PromptTokens is the number of tokens of the prompt, as the tokenizer counts
// it or the trace says; 0 when nobody knows.
func (it Item) PromptTokens() int { return int(it.e.promptTokens) }

// OutputTokens is the number of tokens to ask for; 0 when nobody says.
func (it Item) OutputTokens() int { return int(it.e.outputTokens) }

// Output is the recorded answer, "" for none.
func (it Item) Output() (string, error) { return readText(it.details().output) }

// System is the text of a system message before the prompt, "" for none.
func (it Item) System() (string, error) { return readText(it.details().system) }

// Part is the name of the mix's part that the item is of, "" for none.
func (it Item) Part() string {
	if len(it.d.parts) == 0 {
		return ""
	}
	return it.d.parts[it.e.part]
}

// Lengths are PromptTokens and OutputTokens, for whoever sends the item.
func (it Item) Lengths() (prompt, output int) { return it.PromptTokens(), it.OutputTokens() }

// Text is System and Prompt, for whoever sends the item.
func (it Item) Text() (system, prompt string, err error) {
	if it.e.prompt == nil {
		return "", "", fmt.Errorf("item %d has no prompt: the trace was read with prompts: \"none\"", it.i)
	}
	if system, err = it.System(); err != nil {
		return "", "", err
	}
	prompt, err = it.Prompt()
	return system, prompt, err
}

// Chat are the messages to be sent instead of the prompt: nil for an item that has
// only a prompt. media tells whether there are images or sounds among them.
func (it Item) Chat() (list interface {
	AppendMessages(dst []byte) ([]byte, error)
}, media bool) {
	if it.d.with != nil {
		return it.d.with.messages(it), true
	}
	if t := it.details().messages; t != nil {
		return &Messages{pieces: []piece{{whole: t}}}, false
	}
	return nil, false
}
