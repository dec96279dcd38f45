package script

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a YAML document. Aliases can make more values than a document has
// characters, and the library takes time that grows with the square of the depth.
const (
	maxYAMLValues = 1_000_000
	maxYAMLDepth  = 1_000
)

// ReadYAML reads the one document that a text has, for parameter files and for
// scripts. Its values are nil, bool, float64, string, []any and *Object. A byte
// order mark, as editors on Windows write one, is not part of the document, and
// neither are its directives. Errors begin with line:column, and quote nothing of
// the document but its keys and anchors: it may hold secrets.
func ReadYAML(text string) (v any, err error) {
	// Whatever the library does with odd input is a fault of the document.
	defer func() {
		if x := recover(); x != nil {
			v, err = nil, fmt.Errorf("it cannot be read as YAML: %v", x)
		}
	}()
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return nil, errors.New("it is UTF-16: save it as UTF-8")
	}
	tokens := lexer.Tokenize(strings.TrimPrefix(text, "\ufeff"))
	if err := checkYAMLDepth(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if found, ok := errors.AsType[yaml.Error](err); ok {
		return nil, yamlError(found.GetToken(), "%s", found.GetMessage())
	}
	if err != nil {
		return nil, err
	}
	docs, err := documents(file)
	switch {
	case err != nil:
		return nil, err
	case len(docs) == 0:
		return nil, nil
	case len(docs) > 1:
		return nil, yamlError(docs[1].Body.GetToken(), "a second document begins: a text may have one")
	}
	r := yamlReader{anchors: map[string]ast.Node{}}
	return r.value(docs[0].Body)
}

// documents leaves out those that are empty, and directives, which the library takes
// for documents of their own. %YAML says a version, of which there is only one that
// matters, and reserved ones are to be ignored; %TAG would change what tags mean.
func documents(file *ast.File) (docs []*ast.DocumentNode, err error) {
	for _, d := range file.Docs {
		switch n := d.Body.(type) {
		case nil:
		case *ast.DirectiveNode:
			if n.Name.String() == "TAG" {
				return nil, yamlError(n.Start, "the directive %%TAG is not supported: leave it out")
			}
		default:
			docs = append(docs, d)
		}
	}
	return docs, nil
}

// checkYAMLDepth refuses brackets in brackets and lists in lists that go too deep.
func checkYAMLDepth(tokens token.Tokens) error {
	depth, dashes := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		}
		if t.Type == token.SequenceEntryType || t.Type == token.MappingKeyType {
			dashes++
		} else {
			dashes = 0
		}
		if depth > maxYAMLDepth || dashes > maxYAMLDepth {
			return yamlError(t, "its values are more than %d levels deep", maxYAMLDepth)
		}
	}
	return nil
}

// jsonNumber is a number of JSON, which is YAML; the library takes 1e3 for a text.
var jsonNumber = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

func yamlError(t *token.Token, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	if t == nil || t.Position == nil {
		return errors.New(message)
	}
	return fmt.Errorf("%d:%d: %s", t.Position.Line, t.Position.Column, message)
}

// yamlReader turns nodes into values. An alias is read as often as it stands in the
// document.
type yamlReader struct {
	anchors map[string]ast.Node
	open    []string // anchors whose node is being read
	depth   int
	values  int
}

func (r *yamlReader) value(node ast.Node) (any, error) {
	r.values++
	if r.values > maxYAMLValues {
		return nil, yamlError(node.GetToken(), "it has more than %d values, those of its aliases included", maxYAMLValues)
	}
	r.depth++
	defer func() { r.depth-- }()
	if r.depth > maxYAMLDepth {
		return nil, yamlError(node.GetToken(), "its values are more than %d levels deep", maxYAMLDepth)
	}
	switch n := node.(type) {
	case nil, *ast.NullNode:
		return nil, nil
	case *ast.StringNode:
		if n.Token.Type == token.StringType && jsonNumber.MatchString(n.Value) {
			x, _ := strconv.ParseFloat(n.Value, 64) // of what is too large it makes an infinity, as JavaScript does
			return x, nil
		}
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.IntegerNode:
		switch i := n.Value.(type) {
		case int64:
			return float64(i), nil
		case uint64:
			return float64(i), nil
		}
		return nil, yamlError(n.Token, "this is no number")
	case *ast.FloatNode:
		return n.Value, nil
	case *ast.InfinityNode:
		return n.Value, nil
	case *ast.NanNode:
		return math.NaN(), nil
	case *ast.SequenceNode:
		list := make([]any, len(n.Values))
		for i, one := range n.Values {
			var err error
			if list[i], err = r.value(one); err != nil {
				return nil, err
			}
		}
		return list, nil
	case *ast.MappingNode:
		return r.mapping(n.Values)
	case *ast.MappingValueNode: // a mapping of one
		return r.mapping([]*ast.MappingValueNode{n})
	case *ast.AnchorNode:
		name := n.Name.GetToken().Value
		r.anchors[name] = n.Value
		return r.opened(name, n.Value)
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		of, ok := r.anchors[name]
		switch {
		case !ok:
			return nil, yamlError(n.Value.GetToken(), "there is no anchor &%s before this", name)
		case slices.Contains(r.open, name):
			return nil, yamlError(n.Value.GetToken(), "*%s stands inside of &%s, so it would never end", name, name)
		}
		return r.opened(name, of)
	case *ast.TagNode:
		return r.tagged(n)
	}
	return nil, yamlError(node.GetToken(), "this is not supported: use maps, lists, texts, numbers, booleans and null")
}

// opened reads the node of an anchor, in which an alias of it must not stand.
func (r *yamlReader) opened(name string, node ast.Node) (any, error) {
	r.open = append(r.open, name)
	v, err := r.value(node)
	r.open = r.open[:len(r.open)-1]
	return v, err
}

// tagged reads a value that says what type it is of.
func (r *yamlReader) tagged(n *ast.TagNode) (any, error) {
	tag := n.Start.Value
	if scalar, ok := n.Value.(ast.ScalarNode); ok && tag == "!!str" {
		switch s := scalar.(type) {
		case *ast.StringNode, *ast.LiteralNode:
			return r.value(s)
		}
		return scalar.GetToken().Value, nil
	}
	v, err := r.value(n.Value)
	if err != nil {
		return nil, err
	}
	ok := false
	switch tag {
	case "!!int":
		var x float64
		x, ok = v.(float64)
		ok = ok && x == math.Trunc(x)
	case "!!float":
		_, ok = v.(float64)
	case "!!bool":
		_, ok = v.(bool)
	case "!!null":
		ok = v == nil
	case "!!seq":
		_, ok = v.([]any)
	case "!!map":
		_, ok = v.(*Object)
	case "!!str":
	default:
		return nil, yamlError(n.Start, "the tag %s is not supported: leave it out", tag)
	}
	if !ok {
		return nil, yamlError(n.Start, "this is no %s", tag)
	}
	return v, nil
}

// mapping reads a map. What it says itself comes before what it merges in (<<), and of
// several maps that are merged the first one wins.
func (r *yamlReader) mapping(members []*ast.MappingValueNode) (any, error) {
	o := &Object{}
	index := make(map[string]int, len(members))
	var merged []*Object
	for _, m := range members {
		if m.Key.IsMergeKey() {
			maps, err := r.merged(m.Value)
			if err != nil {
				return nil, err
			}
			merged = append(merged, maps...)
			continue
		}
		key, err := r.key(m.Key)
		if err != nil {
			return nil, err
		}
		if _, twice := index[key]; twice {
			return nil, yamlError(m.Key.GetToken(), "the key %q is there twice", key)
		}
		v, err := r.value(m.Value)
		if err != nil {
			return nil, err
		}
		index[key] = len(o.Keys)
		o.Keys, o.Values = append(o.Keys, key), append(o.Values, v)
	}
	for _, from := range merged {
		for i, key := range from.Keys {
			if _, there := index[key]; !there {
				index[key] = len(o.Keys)
				o.Keys, o.Values = append(o.Keys, key), append(o.Values, from.Values[i])
			}
		}
	}
	return o, nil
}

// merged reads what stands behind <<: a map, or a list of maps.
func (r *yamlReader) merged(node ast.Node) ([]*Object, error) {
	v, err := r.value(node)
	if err != nil {
		return nil, err
	}
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	maps := make([]*Object, len(list))
	for i, one := range list {
		var ok bool
		if maps[i], ok = one.(*Object); !ok {
			return nil, yamlError(node.GetToken(), "<< takes a map, or a list of maps")
		}
	}
	return maps, nil
}

// key is a key as JavaScript has it: a text.
func (r *yamlReader) key(node ast.Node) (string, error) {
	if k, ok := node.(*ast.MappingKeyNode); ok {
		node = k.Value
	}
	v, err := r.value(node)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case nil:
		return "null", nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return "", yamlError(node.GetToken(), "a key has to be a text or a number")
}
