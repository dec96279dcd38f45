package dataset

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// Defaults of media.
const (
	defaultQuality = 75 // of the usual encoders
	defaultRate    = 16000
)

// synthetic is synthetic(options).
func (k *maker) synthetic(call goja.FunctionCall) (script.Shared, error) {
	s, err := readSynthetic(k.rt.VM(), call.Argument(0), k.rt.Script().ReadPath, k.module.note)
	if err != nil {
		return nil, err
	}
	return keep(k, fmt.Sprintf("synthetic %p %+v", s.Tokenizer, s), "prompts", s.Count, s.make)
}

// images is images(options).
func (k *maker) images(call goja.FunctionCall) (script.Shared, error) {
	o, err := readOptions(k.rt.VM(), "images", call.Argument(0), "count", "width", "height", "sizes", "draw", "format", "quality", "seed", "same")
	if err != nil {
		return nil, err
	}
	m := Images{
		Count:   o.integer("count", 0),
		Format:  o.text("format", "jpeg"),
		Quality: o.integer("quality", defaultQuality),
		Seed:    o.seed(),
		Same:    o.boolean("same", false),
		Draw:    o.boolean("draw", false),
		Sizes:   o.sizes(),
	}
	if m.Format == "png" && o.get("quality") != nil && o.err == nil {
		o.err = fmt.Errorf("images: quality is of JPEG; PNG has none")
	}
	if o.err == nil {
		o.err = m.check()
		if o.err != nil {
			o.err = fmt.Errorf("images: %w", o.err)
		}
	}
	if o.err != nil {
		return nil, o.err
	}
	return keep(k, fmt.Sprintf("images %+v", m), "images", m.Count, m.make)
}

// sizes reads width and height, or sizes.
func (o *options) sizes() []Size {
	list, ok := o.get("sizes").(*goja.Object)
	if o.get("sizes") == nil {
		return []Size{{o.integer("width", 0), o.integer("height", 0)}}
	}
	const want = "a list such as [[512, 512], [1024, 768]]"
	if !ok || list.ClassName() != "Array" {
		o.fail("sizes", o.get("sizes"), want)
		return nil
	}
	if o.err == nil && (o.get("width") != nil || o.get("height") != nil) {
		o.err = fmt.Errorf("%s: width and height say the same as sizes: give one of them", o.place)
	}
	var sizes []Size
	for i := range int(list.Get("length").ToInteger()) {
		pair, ok := list.Get(strconv.Itoa(i)).(*goja.Object)
		if !ok || pair.ClassName() != "Array" || pair.Get("length").ToInteger() != 2 {
			o.fail("sizes", list, want)
			return nil
		}
		of := &options{vm: o.vm, place: fmt.Sprintf("%s: sizes[%d]", o.place, i), value: pair}
		sizes = append(sizes, Size{of.integer("0", 0), of.integer("1", 0)})
		if o.err == nil {
			o.err = of.err
		}
	}
	return sizes
}

// audio is audio(options).
func (k *maker) audio(call goja.FunctionCall) (script.Shared, error) {
	o, err := readOptions(k.rt.VM(), "audio", call.Argument(0), "count", "seconds", "sampleRate", "format", "seed", "same")
	if err != nil {
		return nil, err
	}
	m := Sounds{
		Count:      o.integer("count", 0),
		Seconds:    o.number("seconds", 0),
		SampleRate: o.integer("sampleRate", defaultRate),
		Seed:       o.seed(),
		Same:       o.boolean("same", false),
	}
	if format := o.text("format", "wav"); format != "wav" && o.err == nil {
		o.err = fmt.Errorf(`audio: format: %q is not made here: use "wav"`, format)
	}
	if o.err != nil {
		return nil, o.err
	}
	return keep(k, m, "sounds", m.Count, m.make)
}

// files is imageFiles(source, options) and audioFiles(source, options).
func (k *maker) files(name string, kind Kind, call goja.FunctionCall) (script.Shared, error) {
	f := Files{Kind: kind, Readable: k.rt.Script().ReadPath, Found: k.rt.Script().Access().Found}
	v := call.Argument(0)
	list, isObject := v.(*goja.Object)
	switch {
	case isObject && list.ClassName() == "Array":
		f.List = true
		for i := range int(list.Get("length").ToInteger()) {
			path := list.Get(strconv.Itoa(i))
			if !goja.IsString(path) || path.String() == "" {
				return nil, fmt.Errorf("%s: element %d of the list is %s, not a path or URL", name, i, path)
			}
			f.Source = append(f.Source, path.String())
		}
	case goja.IsString(v) && v.String() != "":
		f.Source = []string{v.String()}
	default:
		return nil, fmt.Errorf("%s: the source is %s, not a path, a URL or a list of them", name, v)
	}
	if v := call.Argument(1); !goja.IsUndefined(v) && !goja.IsNull(v) {
		o, err := readOptions(k.rt.VM(), name, v, "field", "root", "limit")
		if err != nil {
			return nil, err
		}
		f.Field, f.Root, f.Limit = o.text("field", ""), o.text("root", ""), o.integer("limit", 0)
		if f.Limit < 0 && o.err == nil {
			o.err = fmt.Errorf("%s: limit: %d files is out of range: use 0 for all", name, f.Limit)
		}
		if o.err != nil {
			return nil, o.err
		}
	}
	names, skipped, err := f.names()
	if err != nil {
		return nil, err
	}
	k.module.note(names...)
	return keep(k, fmt.Sprintf("files %q", append([]string{string(kind)}, names...)), "files", len(names), func(ctx context.Context, done *atomic.Int64) (*MediaList, error) {
		return f.load(ctx, names, skipped, done)
	})
}

// withMedia is withMedia(prompts, media, options).
func (k *maker) withMedia(call goja.FunctionCall) (script.Shared, error) {
	d, ok := script.ValueOf(call.Argument(0)).(*Dataset)
	if !ok {
		return nil, fmt.Errorf("withMedia: the prompts are %s, not a dataset: pass what synthetic() or read() returns", call.Argument(0))
	}
	a := &attachment{perPrompt: 1}
	media := call.Argument(1)
	all := []goja.Value{media}
	if list, ok := media.(*goja.Object); ok && list.ClassName() == "Array" {
		all = nil
		for i := range int(list.Get("length").ToInteger()) {
			all = append(all, list.Get(strconv.Itoa(i)))
		}
	}
	var single []*Media
	for i, v := range all {
		switch m := script.ValueOf(v).(type) {
		case *MediaList:
			a.lists = append(a.lists, m)
		case *Media:
			single = append(single, m)
		default:
			return nil, fmt.Errorf("withMedia: media %d are %s, not what images(), audio(), imageFiles() or audioFiles() return", i, v)
		}
	}
	if len(single) > 0 && len(a.lists) > 0 {
		return nil, fmt.Errorf("withMedia: the list of media mixes single media with lists of them: give one or the other")
	}
	if len(single) > 0 {
		a.lists = []*MediaList{{items: single}}
	}
	if len(a.lists) == 0 {
		return nil, fmt.Errorf("withMedia: there are no media in the list")
	}
	if v := call.Argument(2); !goja.IsUndefined(v) && !goja.IsNull(v) {
		o, err := readOptions(k.rt.VM(), "withMedia", v, "perPrompt", "mediaFirst", "system")
		if err != nil {
			return nil, err
		}
		a.perPrompt, a.mediaFirst, a.system = o.integer("perPrompt", 1), o.boolean("mediaFirst", false), o.text("system", "")
		if (a.perPrompt < 1 || a.perPrompt > maxPerPrompt) && o.err == nil {
			o.err = fmt.Errorf("withMedia: perPrompt: %d is out of range (1 to %d)", a.perPrompt, maxPerPrompt)
		}
		if o.err != nil {
			return nil, o.err
		}
	}
	return d.attach(a)
}

// maxPerPrompt bounds the media of one list in one message.
const maxPerPrompt = 1000
