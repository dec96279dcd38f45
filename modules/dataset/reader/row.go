package reader

import "time"

// Row is what one record of a file says: a prompt, a conversation, or an arrival
// of a trace. What a format does not have is zero. Texts may be of any length;
// token counts are as the file gives them, and are never counted here.
type Row struct {
	// Path and Line are where the record begins: the file, and the line in it from
	// 1 (of an archive, in what it holds).
	Path string
	Line int

	// A prompt, and the answer that was recorded or is known to be right.
	System string // text of a system message before it
	Prompt string
	Output string
	// Turns is the whole conversation after System when it has more than one
	// question, or roles besides user and assistant; nil otherwise. Prompt and Output
	// are then those of its first exchange.
	Turns []Turn
	// Messages are chat messages as JSON that goes into a request as it is: OpenAI's,
	// up to the one to be answered. Prompt is then the text of the last of them.
	Messages []byte

	// PromptTokens and OutputTokens are the lengths that the file gives; 0: it does not.
	PromptTokens, OutputTokens int

	// An arrival.
	Timed bool          // At is known
	At    time.Duration // since the file's own begin, which need not be the first row; since 1970 where it has dates
	// HashIDs name the blocks of the prompt, each of BlockSize tokens, the last one
	// perhaps not full: rows with equal ids at their start have equal starts. Tokens after
	// the last block, fewer than BlockSize, have no id.
	HashIDs   []int64
	BlockSize int
	// Session groups the rows of one conversation, "" for none; Turn is the number of
	// this one in it, from 0, and Delay the think time since the answer before it, if
	// HasDelay. A row with a Delay is not sent before the answer.
	Session  string
	Turn     int
	HasDelay bool
	Delay    time.Duration
	Model    string // as the trace names it
	Kind     string // of the request, as the trace names it: "text", "search", "API log"
}

// Turn is one message of a conversation.
type Turn struct {
	Role string // "user", "assistant", "system", "tool", or as the file names it
	Text string
}
