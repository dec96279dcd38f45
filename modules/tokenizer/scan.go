package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// members finds the values of a JSON object by key without looking into them: of
// a tokenizer.json of 30 MB, a few are needed. It sees that brackets and strings
// are closed, and no more: who reads a value checks it.
func members(data []byte) (map[string]json.RawMessage, error) {
	at := skipBlanks(data, 0)
	if at == len(data) || data[at] != '{' {
		return nil, errors.New("not a JSON object")
	}
	found := map[string]json.RawMessage{}
	for at = skipBlanks(data, at+1); at < len(data) && data[at] != '}'; {
		end := skipValue(data, at)
		var key string
		if end < 0 || data[at] != '"' || json.Unmarshal(data[at:end], &key) != nil {
			return nil, fmt.Errorf("a key is expected at byte %d", at)
		}
		colon := skipBlanks(data, end)
		if colon == len(data) || data[colon] != ':' {
			return nil, fmt.Errorf("a colon is expected at byte %d", colon)
		}
		begin := skipBlanks(data, colon+1)
		if end = skipValue(data, begin); end < 0 {
			return nil, fmt.Errorf("the value at byte %d does not end", begin)
		}
		found[key] = json.RawMessage(data[begin:end])
		if at = skipBlanks(data, end); at < len(data) && data[at] == ',' {
			at = skipBlanks(data, at+1)
		}
	}
	if at == len(data) || skipBlanks(data, at+1) != len(data) {
		return nil, errors.New("the object does not end, or something follows it")
	}
	return found, nil
}

func skipBlanks(data []byte, at int) int {
	for at < len(data) && (data[at] == ' ' || data[at] == '\n' || data[at] == '\t' || data[at] == '\r') {
		at++
	}
	return at
}

// skipValue returns where the value that begins at a byte ends, -1 when it does not.
func skipValue(data []byte, at int) int {
	depth := 0
	for begin := at; at < len(data); at++ {
		switch data[at] {
		case '"':
			if at = skipString(data, at); at < 0 {
				return -1
			}
			if depth == 0 {
				return at
			}
			at--
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
			if depth < 0 {
				return ended(begin, at)
			}
		case ',', ':', ' ', '\n', '\r', '\t':
			if depth == 0 {
				return ended(begin, at)
			}
		}
	}
	return -1
}

// ended is the end of a number or word, -1 when there is none.
func ended(begin, at int) int {
	if at == begin {
		return -1
	}
	return at
}

func skipString(data []byte, at int) int {
	for at++; at < len(data); at++ {
		next := bytes.IndexByte(data[at:], '"')
		if next < 0 {
			return -1
		}
		if escape := bytes.IndexByte(data[at:at+next], '\\'); escape >= 0 {
			at += escape + 1 // and what it escapes
			continue
		}
		return at + next + 1
	}
	return -1
}
