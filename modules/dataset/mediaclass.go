package dataset

import (
	"errors"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

const (
	mediaClassName     = "Media"
	mediaListClassName = "MediaList"
)

// mediaListClass makes the class that dataset.d.ts describes.
func mediaListClass(rt *script.Runtime) *goja.Object {
	mediaClass(rt)
	return listClass(rt, mediaListClassName, map[string]func(any) any{
		"skipped": func(self any) any { return self.(*MediaList).Skipped() },
	}, nil, func(self any, i int) (goja.Value, error) {
		return rt.Instance(mediaClassName, self.(*MediaList).At(i)), nil
	})
}

// Object implements script.Shared: a list goes to other runtimes by reference.
func (l *MediaList) Object(rt *script.Runtime) *goja.Object {
	mediaListClass(rt)
	return rt.Instance(mediaListClassName, l)
}

// mediaClass makes the class that dataset.d.ts describes. What is large is
// returned by methods, so that to print one does not print it.
func mediaClass(rt *script.Runtime) *goja.Object {
	number := func(field func(*Media) float64) func(any) any {
		return func(self any) any {
			if n := field(self.(*Media)); n != 0 {
				return n
			}
			return nil
		}
	}
	parse := jsonParser(rt)
	return rt.Class(script.Class{
		Name: mediaClassName,
		Getters: map[string]func(any) any{
			"kind":       func(self any) any { return string(self.(*Media).Kind) },
			"type":       func(self any) any { return self.(*Media).Type },
			"width":      number(func(m *Media) float64 { return float64(m.Width) }),
			"height":     number(func(m *Media) float64 { return float64(m.Height) }),
			"seconds":    number(func(m *Media) float64 { return m.Seconds }),
			"sampleRate": number(func(m *Media) float64 { return float64(m.SampleRate) }),
			"bytes":      number(func(m *Media) float64 { return float64(m.Bytes) }),
		},
		Methods: map[string]func(any, goja.FunctionCall) (any, error){
			"toURL": func(self any, _ goja.FunctionCall) (any, error) {
				url, err := self.(*Media).AppendURL(nil)
				return string(url), err
			},
			"toBase64": func(self any, _ goja.FunctionCall) (any, error) {
				m := self.(*Media)
				if m.url != "" {
					return nil, errors.New("Media.toBase64: this one is a URL that is passed on; weir does not have its data")
				}
				data, err := m.data.appendTo(nil)
				return string(data), err
			},
			"toJSON": func(self any, _ goja.FunctionCall) (any, error) {
				part, err := self.(*Media).AppendPart(nil)
				if err != nil {
					return nil, err
				}
				return parse(part)
			},
		},
	})
}

// Object implements script.Shared: media go to other runtimes by reference.
func (m *Media) Object(rt *script.Runtime) *goja.Object {
	mediaClass(rt)
	return rt.Instance(mediaClassName, m)
}

// jsonParser is the runtime's JSON.parse, for JSON that this package has written.
func jsonParser(rt *script.Runtime) func([]byte) (any, error) {
	vm := rt.VM()
	parse, _ := goja.AssertFunction(vm.Get("JSON").ToObject(vm).Get("parse")) // a function by the language
	return func(text []byte) (any, error) { return parse(goja.Undefined(), vm.ToValue(string(text))) }
}
