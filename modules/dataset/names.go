package dataset

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Fields of records that name media, where the script does not say which.
var nameFields = map[Kind][]string{
	Image: {"image", "images", "image_path", "image_url", "file_name", "file"},
	Audio: {"audio", "audios", "audio_path", "audio_url", "file_name", "file"},
}

// Members of objects that stand in such a field.
var nameMembers = []string{"path", "url", "file_name"}

// readNames reads from a dataset where its media are: a JSON list of records, or
// one record after another (JSONL). A record is a name, or an object with the
// field; a field has one name, several, or objects with a path or url. Records
// that have none are counted in skipped.
func readNames(r io.Reader, kind Kind, field string) (names []string, skipped int, err error) {
	in := bufio.NewReader(r)
	if mark, _ := in.Peek(3); string(mark) == "\xef\xbb\xbf" {
		_, _ = in.Discard(3)
	}
	d := json.NewDecoder(in)
	fields := nameFields[kind]
	if field != "" {
		fields = []string{field}
	}
	var first map[string]any // of the records without a name
	records := 0
	take := func(record any) error {
		records++
		object, isObject := record.(map[string]any)
		if !isObject {
			found, err := namesIn(record)
			if err != nil {
				return fmt.Errorf("record %d %w", records, err)
			}
			names = append(names, found...)
			return nil
		}
		for _, f := range fields {
			if object[f] == nil {
				continue
			}
			found, err := namesIn(object[f])
			if err != nil {
				return fmt.Errorf("record %d: %s %w", records, f, err)
			}
			names = append(names, found...)
			return nil
		}
		skipped++
		if first == nil {
			first = object
		}
		return nil
	}
	for {
		var value any
		if err := d.Decode(&value); err == io.EOF {
			break
		} else if err != nil {
			return nil, 0, fmt.Errorf("record %d is no JSON: %w", records+1, err)
		}
		list, isList := value.([]any)
		if !isList || records > 0 {
			list = []any{value}
		}
		for _, record := range list {
			if err := take(record); err != nil {
				return nil, 0, err
			}
		}
	}
	if len(names) == 0 && first != nil {
		return nil, 0, fmt.Errorf("no record has a field %s; the first one has %s: name another one with field",
			strings.Join(fields, ", "), strings.Join(slices.Sorted(maps.Keys(first)), ", "))
	}
	if len(names) == 0 {
		return nil, 0, errors.New("there is no record in it")
	}
	return names, skipped, nil
}

// namesIn takes the names from a field's value.
func namesIn(value any) ([]string, error) {
	switch v := value.(type) {
	case string:
		if v == "" {
			return nil, errors.New("is an empty name")
		}
		return []string{v}, nil
	case []any:
		var names []string
		for _, element := range v {
			found, err := namesIn(element)
			if err != nil {
				return nil, err
			}
			names = append(names, found...)
		}
		return names, nil
	case map[string]any:
		for _, member := range nameMembers {
			if name, ok := v[member].(string); ok && name != "" {
				return []string{name}, nil
			}
		}
		return nil, fmt.Errorf("is an object without %s", strings.Join(nameMembers, ", "))
	}
	return nil, errors.New("is neither a name nor a list of names")
}
