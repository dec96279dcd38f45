package sim

import "strconv"

// tool is a function that a chat may call.
type tool struct {
	Function struct {
		Name string `json:"name"`
	} `json:"function"`
}

// chooseTool returns the function that a chat calls; empty: none. Who offers tools
// gets a call, unless the choice is "none".
func chooseTool(tools []tool, choice any) string {
	if len(tools) == 0 || choice == "none" {
		return ""
	}
	if named, ok := choice.(map[string]any); ok {
		if f, ok := named["function"].(map[string]any); ok {
			if name, _ := f["name"].(string); name != "" {
				return name
			}
		}
	}
	return tools[0].Function.Name
}

// appendToolCalls appends "tool_calls" with the tokens from (inclusive) to to
// (exclusive), which are those of the call's arguments: {"text": all the words}. The
// name comes with the first of them.
func appendToolCalls(dst []byte, r *reply, c *choice, from, to int) []byte {
	dst = append(dst, `"tool_calls":[{`...)
	if r.req.stream {
		dst = append(dst, `"index":0,`...)
	}
	if from == c.reasoning {
		dst = append(dst, `"id":"chatcmpl-tool-`...)
		dst = append(dst, r.key...)
		dst = append(dst, '-')
		dst = strconv.AppendInt(dst, int64(c.index), 10)
		dst = append(dst, `","type":"function",`...)
	}
	dst = append(dst, `"function":{`...)
	if from == c.reasoning {
		dst = append(dst, `"name":`...)
		dst = appendQuoted(dst, r.req.tool)
		dst = append(dst, ',')
	}
	dst = append(dst, `"arguments":"`...)
	if from == c.reasoning {
		dst = append(dst, `{\"text\":\"`...)
	}
	// JSON within JSON: the words are quoted twice.
	dst = appendInside(dst, string(r.appendWords(nil, c, from, to)))
	if to == c.tokens {
		dst = append(dst, `\"}`...)
	}
	return append(dst, `"}}]`...)
}
