package dataset

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"weir/runtime/script"
)

// maxFile bounds the size of a media file, in bytes: requests carry it whole.
const maxFile = 64 << 20

// endings are those of the files that are taken from a folder.
var endings = map[Kind][]string{
	Image: {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"},
	Audio: {".wav", ".mp3", ".flac", ".ogg"},
}

// Files describes media that are there already.
type Files struct {
	Kind Kind
	// Source is one folder (with those below it), file, URL, or dataset (.json,
	// .jsonl) that names files and URLs; or with List several files and URLs.
	Source []string
	List   bool
	Field  string // of the dataset's records that has the names; "": one of the usual ones
	Root   string // folder of the files that a dataset names; "": that of the dataset
	Limit  int    // media at most; 0: all
	// Readable gives the absolute path of what the script names, and Found is told which
	// files that folder or dataset has: both say what may not be read. nil: all may, and
	// relative paths start at the working directory.
	Readable func(path string) (string, error)
	Found    func(in, path string) error

	at string // the one source, an absolute path
}

// Load reads the files on all cores, unchanged. It ends early, with ctx's
// error, when ctx ends.
func (f Files) Load(ctx context.Context) (*MediaList, error) {
	names, skipped, err := f.names()
	if err != nil {
		return nil, err
	}
	return f.load(ctx, names, skipped, new(atomic.Int64))
}

func (f *Files) load(ctx context.Context, names []string, skipped int, done *atomic.Int64) (*MediaList, error) {
	list := &MediaList{items: make([]*Media, len(names)), skipped: skipped}
	kept := newStore("media")
	err := each(ctx, len(names), maxCanvas/maxFile, done, func() func(int) error {
		var buffer []byte
		return func(i int) (err error) {
			list.items[i], buffer, err = f.one(names[i], kept, buffer)
			return err
		}
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// one reads one file, or takes one URL.
func (f *Files) one(name string, kept *store, buffer []byte) (*Media, []byte, error) {
	var file []byte
	var err error
	switch {
	case strings.HasPrefix(name, "data:"):
		file, err = readDataURL(name)
		if len(name) > 40 {
			name = name[:40] + "…"
		}
	case isURL(name):
		if f.Kind != Image {
			return nil, buffer, wrong("the service is to get sounds in the request; download the file first", "%s: sounds cannot be passed on as a URL", name)
		}
		return &Media{Kind: Image, url: name}, buffer, nil
	default:
		file, err = readFile(name)
	}
	if err != nil {
		return nil, buffer, err
	}
	media, err := describe(f.Kind, file)
	if err != nil {
		return nil, buffer, wrong("leave it out, or convert it", "%s: %v", name, err)
	}
	if buffer, err = media.keep(kept, file, buffer); err != nil {
		return nil, buffer, fmt.Errorf("%s: %w", name, err)
	}
	return media, buffer, nil
}

// names finds out which files and URLs are meant; paths become absolute.
func (f *Files) names() (names []string, skipped int, err error) {
	if f.List {
		for _, name := range f.Source {
			if name, err = f.said(name); err != nil {
				return nil, 0, err
			}
			names = append(names, name)
		}
	} else if names, skipped, err = f.found(f.Source[0]); err != nil {
		return nil, 0, err
	}
	if f.Limit > 0 && len(names) > f.Limit {
		names = names[:f.Limit]
	}
	switch {
	case len(names) == 0:
		return nil, 0, wrong("", "no %s given: the list of paths is empty", f.Kind)
	case len(names) > maxMedia:
		return nil, 0, wrong("take fewer of them with limit", "%d files are too many: at most %d", len(names), maxMedia)
	}
	for _, name := range names {
		if f.List || f.Found == nil || isURL(name) {
			continue
		}
		if err := f.Found(f.at, name); err != nil {
			return nil, 0, mayNot(err)
		}
	}
	return names, skipped, nil
}

// found looks at what one source is.
func (f *Files) found(source string) (names []string, skipped int, err error) {
	source, err = f.said(source)
	if isURL(source) || err != nil {
		return []string{source}, 0, err
	}
	f.at = source
	info, err := os.Stat(source)
	switch ending := strings.ToLower(filepath.Ext(source)); {
	case err != nil:
		return nil, 0, fileProblem(source, err)
	case info.IsDir():
		names, err = f.inFolder(source)
		return names, 0, err
	case ending == ".json" || ending == ".jsonl":
		return f.inDataset(source)
	}
	return []string{source}, 0, nil
}

// said is the absolute path of what the script names, or its URL.
func (f *Files) said(name string) (string, error) {
	switch {
	case isURL(name):
		return name, nil
	case f.Readable == nil:
		return filepath.Abs(name)
	}
	path, err := f.Readable(name)
	return path, mayNot(err)
}

// mayNot makes what may not be read a wrong setting, and no fault of the script; nil stays nil.
func mayNot(err error) error {
	if err == nil {
		return nil
	}
	return &script.ParamError{Message: err.Error()}
}

// path makes the path of a file that a dataset names absolute; URLs stay as they are.
func (f *Files) path(dir, name string) string {
	if isURL(name) || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

func isURL(name string) bool {
	return strings.HasPrefix(name, "data:") || strings.Contains(name, "://")
}

// inFolder lists the files of the kind in a folder and those below it, sorted.
func (f *Files) inFolder(folder string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && slices.Contains(endings[f.Kind], strings.ToLower(filepath.Ext(path))) {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		return nil, fileProblem(folder, err)
	}
	if len(names) == 0 {
		return nil, wrong("", "%s: there is no file in this folder that ends in %s", folder, strings.Join(endings[f.Kind], ", "))
	}
	return names, nil
}

// inDataset lists what a JSON or JSONL file names.
func (f *Files) inDataset(path string) ([]string, int, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, fileProblem(path, err)
	}
	defer file.Close()
	names, skipped, err := readNames(file, f.Kind, f.Field)
	if err != nil {
		return nil, 0, wrong("", "%s: %v", path, err)
	}
	root := filepath.Dir(path)
	if f.Root != "" {
		if root, err = f.said(f.Root); err != nil {
			return nil, 0, err
		}
	}
	for i, name := range names {
		names[i] = f.path(root, name)
	}
	return names, skipped, nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fileProblem(path, err)
	case info.IsDir():
		return nil, wrong("name its files, or give the folder alone", "%s is a folder", path)
	case info.Size() > maxFile:
		return nil, wrong("requests carry it whole; make it smaller", "%s has %d MB, more than the %d MB that are possible", path, info.Size()>>20, maxFile>>20)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, fileProblem(path, err)
	}
	return file, nil
}

// readDataURL decodes data:TYPE;base64,DATA.
func readDataURL(url string) ([]byte, error) {
	head, data, ok := strings.Cut(url, ",")
	if !ok || !strings.HasSuffix(head, ";base64") {
		return nil, wrong("", "a data URL is not of the form data:image/png;base64,…: %.40q", url)
	}
	if base64.StdEncoding.DecodedLen(len(data)) > maxFile {
		return nil, wrong("requests carry it whole; make it smaller", "a data URL has more than the %d MB that are possible", maxFile>>20)
	}
	file, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return nil, wrong("", "a data URL is no base64: %v: %.40q", err, url)
	}
	return file, nil
}

// wrong is a fault of what the user named, not of the script.
func wrong(hint, format string, args ...any) error {
	return &script.ParamError{Message: fmt.Sprintf(format, args...), Hint: hint}
}

func fileProblem(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return wrong("relative paths start at the script's folder, those in a dataset at the dataset's (root names another one)", "%s: there is no such file or folder", path)
	}
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		err = cause.Err
	}
	return wrong("", "%s: %v", path, err)
}
