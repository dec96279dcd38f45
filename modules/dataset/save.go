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
	out, err := s.open(path)
	if err != nil {
		return err
	}
	defer out.discard()
	return out.write(ctx, d, new(atomic.Int64))
}

// saved is a file that is being written, under another name.
type saved struct {
	Saving
	layout
	path string
	temp *os.File
}

// open makes sure that the file can be written, and with Exclusive that there is none yet.
func (s Saving) open(path string) (*saved, error) {
	l, err := layoutNamed(s.Format)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && s.Exclusive:
		return nil, existsError(path)
	case err == nil && !info.Mode().IsRegular():
		return nil, &script.ParamError{Message: fmt.Sprintf("write %s: it is no regular file", path), Hint: "name a file"}
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return nil, saveError(path, err)
	}
	return &saved{Saving: s, layout: l, path: path, temp: temp}, nil
}

// discard takes away what has no name yet.
func (s *saved) discard() {
	s.temp.Close() // it is closed already when all went well
	os.Remove(s.temp.Name())
}

// write writes the items and gives the file its name. It counts in done the items that are
// written.
func (s *saved) write(ctx context.Context, d *Dataset, done *atomic.Int64) error {
	if d.with != nil {
		return errors.New("images and sounds cannot be written with a dataset: save the prompts, before withMedia")
	}
	if err := s.items(ctx, d, done); err != nil {
		return saveError(s.path, err)
	}
	if err := errors.Join(s.temp.Chmod(s.Mode), s.temp.Sync(), s.temp.Close()); err != nil {
		return saveError(s.path, err)
	}
	if s.Exclusive {
		// Unlike a rename, a link never takes the place of a file that has come meanwhile.
		switch err := os.Link(s.temp.Name(), s.path); {
		case errors.Is(err, fs.ErrExist):
			return existsError(s.path)
		case err == nil:
			return nil
		} // a file system without links
	}
	return saveError(s.path, os.Rename(s.temp.Name(), s.path))
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

func (s *saved) items(ctx context.Context, d *Dataset, done *atomic.Int64) error {
	out, l := bufio.NewWriterSize(s.temp, 1<<20), s.layout
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
		end = l.begin + strings.TrimPrefix(l.end, "\n")
	}
	if _, err := out.WriteString(end); err != nil {
		return err
	}
	return out.Flush()
}
