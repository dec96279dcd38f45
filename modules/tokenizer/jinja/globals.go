package jinja

import (
	"fmt"
	"time"
)

// globals are the functions of every template.
var globals = &scope{vars: map[string]any{
	"range":           &function{"range", rangeOf},
	"dict":            &function{"dict", dictOf},
	"namespace":       &function{"namespace", namespaceOf},
	"raise_exception": &function{"raise_exception", raise},
	"strftime_now":    &function{"strftime_now", strftimeNow},
	"cycler":          &function{"cycler", cyclerOf},
	"joiner":          &function{"joiner", joinerOf},
}}

func rangeOf(r *renderer, a *callArgs) any {
	start, stop, step := int64(0), int64(0), int64(1)
	switch n := len(a.positional); n {
	case 1:
		stop = asInt(a.positional[0])
	case 2, 3:
		start, stop = asInt(a.positional[0]), asInt(a.positional[1])
		if n == 3 {
			step = asInt(a.positional[2])
		}
	default:
		failf("range expected 1 to 3 arguments, got %d", n)
	}
	if step == 0 {
		failf("range() arg 3 must not be zero")
	}
	text := fmt.Sprintf("range(%d, %d)", start, stop)
	if step != 1 {
		text = fmt.Sprintf("range(%d, %d, %d)", start, stop, step)
	}
	items := []any{}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; {
		if len(items) == maxRange {
			failf("Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).", maxRange)
		}
		items = append(items, i)
		next := i + step
		if (next > i) != (step > 0) { // past 64 bits
			break
		}
		i = next
	}
	r.step(len(items))
	return &sequence{kind: "range", items: items, sized: true, text: text}
}

func dictOf(r *renderer, a *callArgs) any {
	d := NewDict()
	if len(a.positional) > 1 {
		failf("dict expected at most 1 argument, got %d", len(a.positional))
	}
	for _, v := range a.positional {
		if from, ok := v.(*Dict); ok {
			d = from.copy()
			continue
		}
		for _, pair := range iterate(v) {
			kv := iterate(pair)
			if len(kv) != 2 {
				failf("dictionary update sequence element has length %d; 2 is required", len(kv))
			}
			d.set(kv[0], kv[1])
		}
	}
	for i, key := range a.kwargs.keys {
		d.set(key, a.kwargs.values[i])
	}
	return d
}

func namespaceOf(r *renderer, a *callArgs) any {
	d := dictOf(r, a).(*Dict)
	for _, key := range d.keys {
		checkAttribute(asString(key))
	}
	return &namespace{d}
}

func raise(r *renderer, a *callArgs) any {
	failf("%s", r.str(a.need(r, "message")))
	return nil
}

func strftimeNow(r *renderer, a *callArgs) any {
	return strftime(time.Now(), asString(a.need(r, "format")))
}

func joinerOf(r *renderer, a *callArgs) any {
	separator := asString(a.take(r, "sep", ", "))
	used := false
	return &function{"joiner", func(*renderer, *callArgs) any {
		if !used {
			used = true
			return ""
		}
		return separator
	}}
}

func cyclerOf(r *renderer, a *callArgs) any {
	items := a.positional
	if len(items) == 0 {
		failf("at least one item has to be provided")
	}
	at := 0
	vars := NewDict()
	turn := func(to int) {
		at = to % len(items)
		vars.Set("current", items[at])
	}
	turn(0)
	vars.Set("next", &function{"next", func(*renderer, *callArgs) any {
		v := items[at]
		turn(at + 1)
		return v
	}})
	vars.Set("reset", &function{"reset", func(*renderer, *callArgs) any { turn(0); return nil }})
	return &namespace{vars}
}

// strftime is Python's with the directives that are the same everywhere.
func strftime(t time.Time, format string) string {
	goFormats := map[byte]string{
		'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'B': "January", 'b': "Jan", 'h': "Jan",
		'A': "Monday", 'a': "Mon", 'p': "PM", 'I': "03", 'y': "06", 'j': "002", 'e': "_2",
		'F': "2006-01-02", 'T': "15:04:05", 'D': "01/02/06", 'R': "15:04", 'x': "01/02/06", 'X': "15:04:05",
		'c': "Mon Jan _2 15:04:05 2006",
	}
	out := ""
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c != '%' || i+1 == len(format) {
			out += string(c)
			continue
		}
		i++
		padding := true
		if format[i] == '-' && i+1 < len(format) { // %-d: without a leading zero
			padding = false
			i++
		}
		var s string
		switch d := format[i]; {
		case d == '%':
			s = "%"
		case d == 'n':
			s = "\n"
		case d == 't':
			s = "\t"
		case d == 'f':
			s = fmt.Sprintf("%06d", t.Nanosecond()/1000)
		case d == 'w':
			s = fmt.Sprint(int(t.Weekday()))
		case d == 'u':
			s = fmt.Sprint((int(t.Weekday())+6)%7 + 1)
		case d == 's':
			s = fmt.Sprint(t.Unix())
		case d == 'z' || d == 'Z': // Python's datetime.now() knows no zone
		case goFormats[d] != "":
			s = t.Format(goFormats[d])
		default:
			s = format[i-1 : i+1]
		}
		if !padding {
			for len(s) > 1 && (s[0] == '0' || s[0] == ' ') {
				s = s[1:]
			}
		}
		out += s
	}
	return out
}
