package llm

import (
	"encoding/json"
	"errors"
	"fmt"
)

// item is an element of a dataset (weir/dataset). Its texts are fetched by the goroutine that
// sends the request, so that no prompt goes through the script. It may be called by
// several goroutines.
type item interface {
	// Lengths are the tokens of the prompt and those to ask for; 0: not known.
	Lengths() (prompt, output int)
	// Text is the text of a system message, "" for none, and the prompt.
	Text() (system, prompt string, err error)
	// Chat is what is sent instead to backends that take messages; nil: nothing. With media
	// it takes one that knows OpenAI's form of them.
	Chat() (list interface {
		AppendMessages(dst []byte) ([]byte, error)
	}, media bool)
}

// setItem takes the lengths of an item, and its texts when the request is sent.
func (c *call) setItem(it item) error {
	prompt, output := it.Lengths()
	if output > 0 {
		c.maxTokens = output
	}
	list, media := it.Chat()
	if media {
		return c.setList(list) // the service counts its media, too: nobody knows how long it is
	}
	c.askedInput = prompt
	c.item = it
	return nil
}

// fetch takes the texts of the item, if there is one.
func (c *call) fetch() error {
	if c.item == nil {
		return nil
	}
	it := c.item
	c.item = nil
	if list, _ := it.Chat(); list != nil {
		if !c.backend.chat {
			return fmt.Errorf("the item is a list of messages, which backend %q does not take: use a chat backend", c.backend.name)
		}
		messages, err := list.AppendMessages(nil)
		if err != nil {
			return err
		}
		return c.setMessages(messages)
	}
	system, prompt, err := it.Text()
	switch {
	case err != nil:
		return err
	case system == "":
		c.prompt = prompt
	case c.backend.system:
		c.system = appendString(nil, system)
		c.prompt = prompt
	case c.backend.chat:
		c.messages = append(appendString([]byte(`[{"role":"system","content":`), system), `},{"role":"user","content":`...)
		c.messages = append(appendString(c.messages, prompt), "}]"...)
	default:
		c.prompt = system + "\n\n" + prompt
	}
	return nil
}

// setMessages takes messages as JSON.
func (c *call) setMessages(messages []byte) error {
	c.messages = messages
	if !c.backend.system {
		return nil
	}
	var list []json.RawMessage
	var first struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(messages, &list); err != nil {
		return fmt.Errorf("the item's messages are no list: %w", err)
	}
	if len(list) == 0 {
		return errors.New("the item has no messages")
	}
	if err := json.Unmarshal(list[0], &first); err != nil {
		return fmt.Errorf("the item's first message: %w", err)
	}
	if first.Role == "system" && len(list) > 1 {
		c.system = first.Content
		var err error
		c.messages, err = json.Marshal(list[1:])
		return err
	}
	return nil
}
