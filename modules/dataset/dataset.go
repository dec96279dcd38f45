package dataset

// Item is one request to be made.
type Item struct {
	Prompt       string
	PromptTokens int // as the tokenizer counts Prompt, with its special tokens unless those were turned off
	OutputTokens int // to be asked for
}

// Dataset is a list of items that does not change any more. It may be read by
// several goroutines.
type Dataset struct {
	items   []Item
	inexact int
	with    *attachment // media that go with the prompts, nil for none
}

// Len is the number of items.
func (d *Dataset) Len() int { return len(d.items) }

// At returns item i, 0 ≤ i < Len().
func (d *Dataset) At(i int) Item { return d.items[i] }

// Inexact is how many prompts do not have the asked number of tokens, because
// no text of that length was found. Their PromptTokens is the true number.
func (d *Dataset) Inexact() int { return d.inexact }

// Messages are the chat messages of item i: its prompt and its media, nil for a
// dataset without media.
func (d *Dataset) Messages(i int) *Messages {
	if d.with == nil {
		return nil
	}
	return d.with.messages(i, d.items[i].Prompt)
}
