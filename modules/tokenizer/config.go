package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"weir/modules/tokenizer/slow"
	"weir/runtime/access"
)

type settings = slow.Settings

// maxLength is the largest number of tokens that is believed: files without a
// limit name 10^30.
const maxLength = 1e15

// config is what the files beside a tokenizer.json say. They are optional, but
// none may be broken.
type config struct {
	settings
	maxLength int // 0: not said
	templates map[string]chatTemplate
	variables map[string]any // of templates: bos_token and so on
}

type chatTemplate struct {
	file string // where it is from
	text string
}

// defaultTemplate is the name of a template that has none.
const defaultTemplate = "default"

// companions are the files beside a tokenizer's own that readConfig reads.
var companions = []string{"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.json", "chat_template.jinja"}

// readConfig reads tokenizer_config.json and its companions in a directory.
func readConfig(dir string, read reading) (config, error) {
	c := config{templates: map[string]chatTemplate{}, variables: map[string]any{}}
	readers := []func(data []byte, file string) error{c.tokenizerConfig, c.specialTokens, c.addedTokens, c.chatTemplateJSON, c.chatTemplateJinja}
	for i, name := range companions {
		file := filepath.Join(dir, name)
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		data, err := read(file)
		if err == nil {
			err = readers[i](data, file)
		}
		var refused *access.Refused
		if errors.As(err, &refused) {
			return c, err
		}
		if err != nil {
			return c, fmt.Errorf("%s: %w: copy the model's files again", file, err)
		}
	}
	return c, nil
}

func (c *config) tokenizerConfig(data []byte, file string) error {
	var f struct {
		Class          string                     `json:"tokenizer_class"`
		AddBOS         *bool                      `json:"add_bos_token"`
		AddEOS         *bool                      `json:"add_eos_token"`
		Legacy         *bool                      `json:"legacy"`
		AddPrefixSpace *bool                      `json:"add_prefix_space"`
		MaxLength      any                        `json:"model_max_length"`
		Added          map[string]json.RawMessage `json:"added_tokens_decoder"`
		Template       json.RawMessage            `json:"chat_template"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	c.Class = strings.TrimSuffix(f.Class, "Fast")
	c.AddBOS, c.AddEOS, c.Legacy, c.AddPrefixSpace = f.AddBOS, f.AddEOS, f.Legacy, f.AddPrefixSpace
	if n, ok := f.MaxLength.(float64); ok && n >= 1 && n < maxLength && n == math.Trunc(n) {
		c.maxLength = int(n)
	}
	added, err := slow.AddedTokens(f.Added)
	if err != nil {
		return err
	}
	c.Added = added
	if err := c.specialTokens(data, file); err != nil {
		return err
	}
	return c.namedTemplates(f.Template, file)
}

// tokenText is a token as these files have it: its text, or an object with it.
func tokenText(raw json.RawMessage) string {
	var token struct {
		Content string `json:"content"`
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	_ = json.Unmarshal(raw, &token)
	return token.Content
}

// specialTokens reads the special tokens that have names, of tokenizer_config.json
// or special_tokens_map.json; the first of them counts.
func (c *config) specialTokens(data []byte, _ string) error {
	var file map[string]json.RawMessage
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	for key, raw := range file {
		if _, known := c.variables[key]; known {
			continue
		}
		switch {
		case key == "additional_special_tokens" || key == "extra_special_tokens":
			var list []json.RawMessage
			var named map[string]json.RawMessage
			if json.Unmarshal(raw, &list) == nil {
				var texts []string
				for _, item := range list {
					texts = append(texts, tokenText(item))
				}
				c.Special = append(c.Special, texts...)
				c.variables[key] = texts
			} else if json.Unmarshal(raw, &named) == nil {
				for name, item := range named {
					c.Special = append(c.Special, tokenText(item))
					c.variables[name] = tokenText(item)
				}
			}
		case strings.HasSuffix(key, "_token") && !strings.HasPrefix(key, "add_"):
			text := tokenText(raw)
			if text == "" {
				continue
			}
			c.variables[key] = text
			switch key {
			case "bos_token":
				c.BOS = text
			case "eos_token":
				c.EOS = text
			case "unk_token":
				c.Unk = text
			default:
				c.Special = append(c.Special, text)
			}
		}
	}
	return nil
}

func (c *config) addedTokens(data []byte, _ string) error {
	var ids map[string]int
	if err := json.Unmarshal(data, &ids); err != nil {
		return err
	}
	known := map[string]bool{}
	for _, t := range c.Added {
		known[t.Content] = true
	}
	for text, id := range ids {
		if !known[text] {
			c.Added = append(c.Added, slow.Added{ID: id, Content: text, Special: true})
		}
	}
	return nil
}

// namedTemplates reads chat_template: a text, or a list of texts with names.
func (c *config) namedTemplates(raw json.RawMessage, file string) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		c.templates[defaultTemplate] = chatTemplate{file, text}
		return nil
	}
	var list []struct {
		Name     string `json:"name"`
		Template string `json:"template"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf("chat_template is neither a text nor a list of texts with names: %w", err)
	}
	for _, t := range list {
		c.templates[t.Name] = chatTemplate{file, t.Template}
	}
	return nil
}

func (c *config) chatTemplateJSON(data []byte, file string) error {
	var f struct {
		Template json.RawMessage `json:"chat_template"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	return c.namedTemplates(f.Template, file)
}

func (c *config) chatTemplateJinja(data []byte, file string) error {
	c.templates[defaultTemplate] = chatTemplate{file, string(data)}
	return nil
}
