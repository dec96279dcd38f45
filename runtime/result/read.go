package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
)

// Run is a run as its folder has it.
type Run struct {
	Dir    string  // its folder
	Result *Result // of its distributions, Quantile is nil: only what is in the file is known
}

// Open reads a run: the folder that weir run has written, or the result.json in it.
func Open(path string) (*Run, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, openError(path, err)
	}
	dir, file := path, filepath.Join(path, FileName)
	if !info.IsDir() {
		dir, file = filepath.Dir(path), path
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the result %s: there is no %s in it\n  hint: %s", path, FileName, wantFolder)
	}
	if err != nil {
		return nil, openError(path, err)
	}
	r := new(Result)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("read the result %s: it is no result of weir run: %w\n  hint: %s; a file that was cut off has to be copied again", file, err, wantFolder)
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("read the result %s: its schema is %d, and this weir reads %d\n  hint: use the weir that has written it", file, r.Schema, Schema)
	}
	if err := r.present(); err != nil {
		return nil, fmt.Errorf("read the result %s: %w", file, err)
	}
	return &Run{Dir: dir, Result: r}, nil
}

// present sees to it that what readers look into is there: weir writes no null in these
// places, but others may.
func (r *Result) present() error {
	for i, c := range r.Cases {
		if c == nil {
			return fmt.Errorf("case %d is null\n  hint: the file was changed by something else than weir", i+1)
		}
		dropNil(c.Metrics)
		dropNil(c.Windows)
		dropNil(c.Scenarios)
		for _, w := range c.Windows {
			dropNil(w.Metrics)
		}
		for _, s := range c.Scenarios {
			dropNil(s.Metrics)
		}
		for _, s := range c.Server {
			dropNil(s.Times)
		}
	}
	return nil
}

func dropNil[T any](of map[string]*T) {
	maps.DeleteFunc(of, func(_ string, v *T) bool { return v == nil })
}

func openError(path string, err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		err = of.Err
	}
	hint := ""
	if errors.Is(err, fs.ErrNotExist) {
		hint = "\n  hint: " + wantFolder
	}
	return fmt.Errorf("read the result %s: %w%s", path, err, hint)
}

const wantFolder = "give the folder that weir run has written, such as results/static-20260102-150405"

// Requests yields the requests of all cases, in no order: those of the file of records
// when there is one, otherwise those that every run keeps ([Kept] tells how many). It
// ends at the first error. A run without either yields none.
func (r *Run) Requests() iter.Seq2[*Request, error] {
	for _, name := range []string{RecordsName, RequestsName} {
		path := filepath.Join(r.Dir, name)
		if _, err := os.Stat(path); err == nil {
			return ReadRecords(path)
		}
	}
	return func(func(*Request, error) bool) {}
}

// Samples yields the samples of telemetry; a run without any yields none.
func (r *Run) Samples() iter.Seq2[*Sample, error] {
	path := filepath.Join(r.Dir, SamplesName)
	if _, err := os.Stat(path); err != nil {
		return func(func(*Sample, error) bool) {}
	}
	return ReadSamples(path)
}
