package dataset

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"weir/runtime/script"
	"weir/runtime/suggest"
)

// Saving says how a dataset is written.
type Saving struct {
	Format    string      // name of one of the layouts; "": weir
	Exclusive bool        // fail when the file exists
	Mode      fs.FileMode // of the file
}

// layout is a format that is written: what stands around the items, and one item.
type layout struct {
	name                string
	begin, between, end string
	// whole tells that it keeps conversations of several turns; others would lose all but the
	// first exchange.
	whole bool
	item  func(dst []byte, it Item) ([]byte, error)
}

// layouts are the formats that can be written; the reader knows all of them.
var layouts = []layout{
	{"weir", "", "\n", "\n", false, weirItem},
	{"custom", "[\n", ",\n", "\n]\n", false, customItem},
	{"openai", "", "\n", "\n", true, openAIItem},
	{"vllm-custom", "", "\n", "\n", false, vllmItem},
}

func layoutNamed(name string) (layout, error) {
	name = cmp.Or(name, "weir")
	var names []string
	for _, l := range layouts {
		if l.name == name {
			return l, nil
		}
		names = append(names, l.name)
	}
	hint := ""
	if near := suggest.Nearest(name, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return layout{}, fmt.Errorf("there is no format %q to write: there are %s%s", name, strings.Join(names, ", "), hint)
}

// Save writes the dataset to a file, all or nothing: the file gets its name when it is
// complete and on disk. It ends early, with ctx's error, when ctx ends.
func (d *Dataset) Save(ctx context.Context, path string, s Saving) error {
	return d.save(ctx, path, s, new(atomic.Int64))
}

// save counts in done the items that are written.
func (d *Dataset) save(ctx context.Context, path string, s Saving, done *atomic.Int64) (err error) {
	l, err := layoutNamed(s.Format)
	if err != nil {
		return err
	}
	if d.with != nil {
		return errors.New("images and sounds cannot be written with a dataset: save the prompts, before withMedia")
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && s.Exclusive:
		return existsError(path)
	case err == nil && !info.Mode().IsRegular():
		return &script.ParamError{Message: fmt.Sprintf("write %s: it is no regular file", path), Hint: "name a file"}
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return saveError(path, err)
	}
	defer func() {
		temp.Close() // it is closed already when all went well
		os.Remove(temp.Name())
	}()
	if err := d.write(ctx, temp, l, done); err != nil {
		return saveError(path, err)
	}
	if err := errors.Join(temp.Chmod(s.Mode), temp.Sync(), temp.Close()); err != nil {
		return saveError(path, err)
	}
	if !s.Exclusive {
		return saveError(path, os.Rename(temp.Name(), path))
	}
	// Unlike a rename, a link never takes the place of a file that has come meanwhile.
	err = os.Link(temp.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return existsError(path)
	}
	if err != nil { // a file system without links
		return saveError(path, os.Rename(temp.Name(), path))
	}
	return nil
}

func existsError(path string) error {
	return &script.ParamError{
		Message: fmt.Sprintf("create %s: the file exists and is not overwritten", path),
		Hint:    "choose another name or delete it; nothing was written",
	}
}

// saveError says what to do about a file that cannot be written; nil stays nil.
func saveError(path string, err error) error {
	var item *itemError
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, &item) {
		return err
	}
	hint := "does its folder exist, and may you write there?"
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		hint = "free some space, or name a file on another disk; nothing of it was kept"
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err // it names a temporary file
	}
	return &script.ParamError{Message: fmt.Sprintf("write %s: %v", path, err), Hint: hint}
}

// itemError is what is wrong with an item, and not with the file.
type itemError struct{ message string }

func (e *itemError) Error() string { return e.message }

func itemFault(format string, args ...any) error {
	return &itemError{fmt.Sprintf(format, args...)}
}

func (d *Dataset) write(ctx context.Context, file *os.File, l layout, done *atomic.Int64) error {
	out := bufio.NewWriterSize(file, 1<<20)
	var line []byte // reused
	for i := range d.entries {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		it := d.At(i)
		if more := it.details(); !l.whole && (more.turns != nil || more.messages != nil) {
			return itemFault("item %d is a conversation, of which format %q has only the first question: use format \"openai\"", i, l.name)
		}
		line = append(line[:0], l.between...)
		if i == 0 {
			line = append(line[:0], l.begin...)
		}
		var err error
		if line, err = l.item(line, it); err != nil {
			return itemFault("item %d: %v", i, err)
		}
		if _, err := out.Write(line); err != nil {
			return err
		}
		done.Add(1)
	}
	end := l.end
	if len(d.entries) == 0 {
		end = strings.TrimPrefix(l.begin+l.end, "\n")
	}
	if _, err := out.WriteString(end); err != nil {
		return err
	}
	return out.Flush()
}
