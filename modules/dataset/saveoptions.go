package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// save is save(path, data, options).
func (k *maker) save(call goja.FunctionCall) (script.Shared, error) {
	path, data := call.Argument(0), call.Argument(1)
	if k.rt.InInit() {
		return nil, errors.New("save: init code runs once in every JavaScript runtime: do it in setup or plan")
	}
	if !goja.IsString(path) || path.String() == "" {
		return nil, fmt.Errorf("save: the path is %s, not that of a file", path)
	}
	s, err := readSaving(k.rt.VM(), call.Argument(2))
	if err != nil {
		return nil, err
	}
	at, err := k.rt.Script().WritePath(path.String())
	if err != nil {
		return nil, savingFault(err)
	}
	out, err := s.open(at)
	if err != nil {
		return nil, savingFault(err)
	}
	defer out.discard()
	if f, ok := goja.AssertFunction(data); ok {
		if data, err = f(goja.Undefined()); err != nil {
			return nil, err
		}
	}
	d, ok := script.ValueOf(data).(*Dataset)
	if !ok {
		return nil, fmt.Errorf("save: the data is %s, not a dataset", data)
	}
	say := func(done, _ *atomic.Int64, _ time.Duration) string {
		return fmt.Sprintf("%s: %d of %d items are written", path, done.Load(), d.Len())
	}
	_, err = watch(k, say, func(ctx context.Context, done, _ *atomic.Int64) (struct{}, error) {
		return struct{}{}, out.write(ctx, d, done)
	})
	return d, savingFault(err)
}

// savingFault adds to an error what was being done, but to those that say so.
func savingFault(err error) error {
	if wrong := (*script.ParamError)(nil); err == nil || err == script.ErrInterrupted || errors.As(err, &wrong) {
		return err
	}
	return fmt.Errorf("save: %w", err)
}

func readSaving(vm *goja.Runtime, v goja.Value) (Saving, error) {
	s := Saving{Exclusive: true, Mode: 0o644}
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return s, nil
	}
	o, err := readOptions(vm, "save", v, "format", "exclusive", "mode")
	if err != nil {
		return s, err
	}
	s.Format, s.Exclusive = o.text("format", ""), o.boolean("exclusive", s.Exclusive)
	mode := o.integer("mode", int(s.Mode))
	if s.Mode = fs.FileMode(mode); o.err == nil && (mode < 0 || mode > 0o777) {
		return s, fmt.Errorf("save: mode is %d: use 0 to 0o777", mode)
	}
	return s, o.err
}
