package dataset

import (
	"fmt"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

const (
	className         = "Dataset"
	itemClassName     = "Item"
	recordedClassName = "RecordedItem"
	mediaItemName     = "MediaItem"
	sessionsClassName = "Sessions"
)

// class makes the classes that dataset.d.ts describes.
func class(rt *script.Runtime) *goja.Object { return classOf(newMaker(rt, New())) }

// classOf makes them for the maker of a runtime's script.
func classOf(k *maker) *goja.Object {
	rt := k.rt
	itemClasses(rt)
	return listClass(rt, className, map[string]func(any) any{
		"inexact":  func(self any) any { return self.(*Dataset).Inexact() },
		"path":     func(self any) any { return optional(self.(*Dataset).Source().Path) },
		"format":   func(self any) any { return optional(self.(*Dataset).Source().Format) },
		"why":      func(self any) any { return optional(self.(*Dataset).Source().Why) },
		"looked":   func(self any) any { return looked(self.(*Dataset)) },
		"rejected": func(self any) any { return rejectedList(rt, self.(*Dataset)) },
	}, datasetMethods(k), func(list any, i int) (goja.Value, error) { return list.(*Dataset).value(rt, i), nil })
}

// optional is null for "".
func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// looked is how many rows were looked at; null: all.
func looked(d *Dataset) any {
	if n := d.Source().Looked; n > 0 {
		return n
	}
	return nil
}

// milliseconds is a duration as scripts have it.
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// rejectedList is what was not taken, as scripts see it.
func rejectedList(rt *script.Runtime, d *Dataset) goja.Value {
	vm := rt.VM()
	var list []any
	for _, r := range d.Source().Rejected {
		var first []any
		for _, f := range r.First {
			first = append(first, object(vm, "path", f.Path, "line", f.Line, "text", f.Text))
		}
		list = append(list, object(vm, "reason", r.Reason, "count", r.Count, "first", vm.NewArray(first...)))
	}
	return vm.NewArray(list...)
}

// object makes an object of names and values.
func object(vm *goja.Runtime, pairs ...any) *goja.Object {
	o := vm.NewObject()
	for i := 0; i < len(pairs); i += 2 {
		if err := o.Set(pairs[i].(string), pairs[i+1]); err != nil {
			panic(err) // a fresh object takes every name
		}
	}
	return o
}

// value makes item i.
func (d *Dataset) value(rt *script.Runtime, i int) goja.Value {
	it := d.At(i)
	switch {
	case d.with != nil:
		return rt.Instance(mediaItemName, it)
	case it.e.details != nil || it.e.timed || d.parts != nil || d.source != nil:
		return rt.Instance(recordedClassName, it)
	}
	return rt.Instance(itemClassName, it)
}

// Object implements script.Shared: an item goes to other runtimes by reference.
func (it Item) Object(rt *script.Runtime) *goja.Object {
	class(rt)
	return it.d.value(rt, it.i).(*goja.Object)
}

// itemClasses makes the classes of items. What is large is made when it is read.
func itemClasses(rt *script.Runtime) {
	text := func(f func(Item) (string, error)) func(any) any {
		return func(self any) any {
			s, err := f(self.(Item))
			if err != nil {
				rt.Throw(err)
			}
			return s
		}
	}
	optionalText := func(f func(Item) (string, error)) func(any) any {
		read := text(f)
		return func(self any) any { return optional(read(self).(string)) }
	}
	base := func() map[string]func(any) any {
		return map[string]func(any) any{
			"prompt":       text(Item.Prompt),
			"promptTokens": func(self any) any { return self.(Item).PromptTokens() },
			"outputTokens": func(self any) any { return self.(Item).OutputTokens() },
		}
	}
	rt.Class(script.Class{Name: itemClassName, Getters: base()})

	media := base()
	media["messages"] = func(self any) any {
		it := self.(Item)
		return it.d.with.messages(it).Object(rt)
	}
	rt.Class(script.Class{Name: mediaItemName, Getters: media})

	parse := jsonParser(rt)
	recorded := base()
	recorded["output"] = optionalText(Item.Output)
	recorded["system"] = optionalText(Item.System)
	recorded["part"] = func(self any) any { return optional(self.(Item).Part()) }
	recorded["session"] = func(self any) any { return optional(self.(Item).details().session) }
	recorded["turn"] = func(self any) any { return self.(Item).details().turn }
	recorded["model"] = func(self any) any { return optional(self.(Item).details().model) }
	recorded["kind"] = func(self any) any { return optional(self.(Item).details().kind) }
	recorded["at"] = func(self any) any {
		if e := self.(Item).e; e.timed {
			return milliseconds(e.at)
		}
		return nil
	}
	recorded["delay"] = func(self any) any {
		if d := self.(Item).details(); d.hasDelay {
			return milliseconds(d.delay)
		}
		return nil
	}
	recorded["turns"] = func(self any) any {
		t := self.(Item).details().turns
		if t == nil {
			return nil
		}
		json, err := t.read()
		if err != nil {
			rt.Throw(err)
		}
		turns, err := parse([]byte(json))
		if err != nil {
			rt.Throw(err)
		}
		return turns
	}
	recorded["messages"] = func(self any) any {
		t := self.(Item).details().messages
		if t == nil {
			return nil
		}
		return (&Messages{pieces: []piece{{whole: t}}}).Object(rt)
	}
	rt.Class(script.Class{Name: recordedClassName, Getters: recorded})
	messagesClass(rt)
}

// Object implements script.Shared: a dataset goes to other runtimes by reference.
func (d *Dataset) Object(rt *script.Runtime) *goja.Object {
	class(rt)
	return rt.Instance(className, d)
}

// sessionsClass makes the class that dataset.d.ts describes.
func sessionsClass(rt *script.Runtime) *goja.Object {
	return listClass(rt, sessionsClassName, map[string]func(any) any{}, map[string]func(any, goja.FunctionCall) (any, error){
		"timestamps": func(self any, _ goja.FunctionCall) (any, error) {
			var first []entry
			for _, d := range self.(*Sessions).list {
				first = append(first, d.entries[0])
			}
			return timestamps(rt, first)
		},
	}, func(self any, i int) (goja.Value, error) { return self.(*Sessions).At(i).Object(rt), nil })
}

// Object implements script.Shared: sessions go to other runtimes by reference.
func (s *Sessions) Object(rt *script.Runtime) *goja.Object {
	class(rt)
	sessionsClass(rt)
	return rt.Instance(sessionsClassName, s)
}

// timestamps are the times of entries, milliseconds.
func timestamps(rt *script.Runtime, entries []entry) (any, error) {
	times := make([]any, len(entries))
	for i := range entries {
		if !entries[i].timed {
			return nil, fmt.Errorf("timestamps: item %d has no time: %s", i, noTime(&entries[i]))
		}
		times[i] = milliseconds(entries[i].at)
	}
	return rt.VM().NewArray(times...), nil
}

// noTime says why an item has no time.
func noTime(e *entry) string {
	if e.details != nil && e.details.hasDelay {
		return "it follows another one of its conversation after a delay; take the times of the conversations, sessions().timestamps()"
	}
	return "it is not of a trace, or was mixed or repeated (cycle)"
}
