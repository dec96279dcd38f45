package script

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/dop251/goja"
)

// fileCache holds what open() has read, once for all runtimes of a run.
type fileCache struct {
	files sync.Map // absolute path → func() ([]byte, error)
}

func (c *fileCache) read(path string) ([]byte, error) {
	read, _ := c.files.LoadOrStore(path, sync.OnceValues(func() ([]byte, error) { return os.ReadFile(path) }))
	return read.(func() ([]byte, error))()
}

// openFile is open(): it reads a file relative to the script's folder: as text, or with mode "b"
// as an ArrayBuffer. Like k6's, it is there in init code only.
func (r *Runtime) openFile(call goja.FunctionCall) goja.Value {
	name := call.Argument(0)
	if !goja.IsString(name) || name.String() == "" {
		r.Throw(TypeErrorf("open: the first argument must be a path, not %s", inspect(r, name)))
	}
	mode := text(call.Argument(1))
	if mode != "" && mode != "b" {
		r.Throw(TypeErrorf("open: the mode must be \"\" (text) or \"b\" (an ArrayBuffer), not %q", mode))
	}
	if !r.inInit {
		r.Throw(fmt.Errorf("open(%q) is only possible in init code, at the top of the script: keep what it returns in a variable there", name.String()))
	}
	path, err := r.script.ReadPath(strings.TrimPrefix(name.String(), "file://"))
	if err != nil {
		r.Throw(fmt.Errorf("open(%q): %w", name.String(), err))
	}
	data, err := r.script.files.read(path)
	if errors.Is(err, fs.ErrNotExist) {
		r.Throw(fmt.Errorf("open(%q): there is no file %s; relative paths start at the script's folder", name.String(), path))
	}
	if err != nil {
		r.Throw(fmt.Errorf("open(%q): %w", name.String(), err))
	}
	if mode == "b" {
		return r.vm.ToValue(r.vm.NewArrayBuffer(slices.Clone(data)))
	}
	return r.vm.ToValue(strings.ToValidUTF8(string(data), "\uFFFD"))
}
