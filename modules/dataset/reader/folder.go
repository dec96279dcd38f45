package reader

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// find lists the files that a path stands for.
func (f *File) find(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return cannotOpen(path, err)
	case info.IsDir():
		return f.folder(path)
	case !info.Mode().IsRegular():
		return noFile(path, info)
	case f.options.Length > 0:
		return wrong("name the folder, or leave the length out", "%s: a length chooses a file of a folder, but this is a file", path)
	}
	f.paths, f.size = []string{path}, info.Size()
	return nil
}

// noFile refuses what may never end, or have no begin, and cannot be read twice.
func noFile(path string, info os.FileInfo) error {
	is := "neither a file nor a folder"
	switch mode := info.Mode(); {
	case mode&os.ModeNamedPipe != 0:
		is = "a pipe"
	case mode&os.ModeSocket != 0:
		is = "a socket"
	case mode&os.ModeDevice != 0:
		is = "a device"
	}
	return wrong("write what comes from it to a file first, and name that", "%s: this is %s, and only files and folders are read", path, is)
}

// folder takes the file of one length, or all files when each is a conversation.
func (f *File) folder(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return cannotOpen(path, err)
	}
	var data []string   // names of the files that may hold records
	var lengths []int   // those that are a number
	var chosen []string // those of the chosen length
	for _, e := range entries {
		name := bare(e.Name())
		ending := filepath.Ext(name)
		if e.IsDir() || strings.HasPrefix(name, ".") || !slices.Contains([]string{".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt"}, ending) {
			continue
		}
		data = append(data, e.Name())
		if n, err := strconv.Atoi(strings.TrimSuffix(name, ending)); err == nil && n > 0 && strings.HasPrefix(ending, ".json") {
			lengths = append(lengths, n)
			if n == f.options.Length {
				chosen = append(chosen, e.Name())
			}
		}
	}
	slices.Sort(lengths)
	lengths = slices.Compact(lengths)
	switch n := f.options.Length; {
	case len(data) == 0:
		return wrong("name the file itself", "%s: this is a folder without a .json, .jsonl, .csv or .txt file", path)
	case n > 0 && len(lengths) == 0:
		return wrong("a folder of fixed lengths has files like 512.json, each a list of {\"input\": …}", "%s: no file of this folder is named after a length", path)
	case n > 0 && len(chosen) == 0:
		return wrong("there are "+list(lengths), "%s: there is no file %d.json in this folder", path, n)
	case n > 0 && len(chosen) > 1:
		return wrong("leave one of them", "%s: several files have the length %d: %s", path, n, strings.Join(chosen, ", "))
	case n > 0:
		data = chosen
	case len(lengths) == len(data):
		return wrong("say which prompt length is meant: there are "+list(lengths), "%s: this is a folder with a file for each prompt length", path)
	}
	slices.SortFunc(data, naturally)
	for _, name := range data {
		full := filepath.Join(path, name)
		info, err := os.Stat(full)
		if err != nil {
			return cannotOpen(full, err)
		}
		if !info.Mode().IsRegular() {
			return noFile(full, info)
		}
		if f.options.Found != nil {
			if err := f.options.Found(full); err != nil {
				return wrong("", "%v", err)
			}
		}
		f.paths = append(f.paths, full)
		f.size += info.Size()
	}
	if n := f.options.Length; n > 0 {
		return nil
	}
	// The files of a folder are read as one only where each is one conversation.
	f.why = "a folder; "
	return nil
}

// single says that a folder whose files are of a format is not read as one.
func (f *File) single() error {
	folder := filepath.Dir(f.paths[0])
	var some []string
	for _, p := range f.paths {
		if some = append(some, filepath.Base(p)); len(some) == 5 {
			break
		}
	}
	return wrong("name one of its files: "+strings.Join(some, ", "), "%s: this is a folder, and its files are no conversations of a trace that are read together", folder)
}

// bare is a file's name in small letters, without the ending of its compression.
func bare(name string) string {
	name = strings.ToLower(filepath.Base(name))
	for _, packed := range []string{".gz", ".zst", ".bz2"} {
		name = strings.TrimSuffix(name, packed)
	}
	return name
}

// list is numbers with commas, the first ones if there are many.
func list(numbers []int) string {
	var b strings.Builder
	for i, n := range numbers {
		if i == 30 {
			b.WriteString(", …")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}

// naturally compares names so that 2 comes before 10.
func naturally(a, b string) int {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da != "" && db != "" {
			na, nb := strings.TrimLeft(da, "0"), strings.TrimLeft(db, "0")
			if len(na) != len(nb) {
				return len(na) - len(nb)
			}
			if c := strings.Compare(na, nb); c != 0 {
				return c
			}
			if len(da) != len(db) {
				return len(da) - len(db)
			}
			a, b = a[len(da):], b[len(db):]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

// digits are those that a text begins with.
func digits(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}
