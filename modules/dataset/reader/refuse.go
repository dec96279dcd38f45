package reader

import (
	"bytes"
	"path/filepath"
	"strings"
)

const sniffed = 4 << 10 // bytes at the begin by which a file that is no text is known

// kinds are files that are no text, or no data, by how they begin; %s in what to do
// stands for the file's name.
var kinds = []struct{ begin, is, todo string }{
	{"PAR1", "a Parquet file", `convert it to JSONL: duckdb -c "COPY (FROM '%s') TO 'data.jsonl' (FORMAT json)", or in Python: pandas.read_parquet('%s').to_json('data.jsonl', orient='records', lines=True, force_ascii=False)`},
	{"ARROW1", "an Arrow file", `convert it to JSONL in Python: pandas.read_feather('%s').to_json('data.jsonl', orient='records', lines=True, force_ascii=False)`},
	{"\xff\xff\xff\xff", "an Arrow stream", `convert it to JSONL in Python: datasets.Dataset.from_file('%s').to_json('data.jsonl', force_ascii=False)`},
	{"PK\x03\x04", "a ZIP archive, or an Excel workbook", "unpack it (unzip %s), or save the sheet as CSV"},
	{"\xfd7zXZ\x00", "an xz file", "decompress it: xz -d %s"},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it: 7z x %s"},
	{"\x04\x22\x4d\x18", "an LZ4 file", "decompress it: lz4 -d %s"},
	{"SQLite format 3\x00", "an SQLite database", `write the table as JSONL: sqlite3 -json %s "SELECT * FROM …"`},
	{"\x93NUMPY", "a NumPy array", "write it as JSONL, or as text with one prompt a line"},
	{"\x89HDF", "an HDF5 file", "write it as JSONL in Python"},
	{"%PDF-", "a PDF document", "take the text out of it: one prompt a line"},
	{"\xff\xfe", "UTF-16 text", "convert it to UTF-8: iconv -f UTF-16 -t UTF-8 %s > data.txt"},
	{"\xfe\xff", "UTF-16 text", "convert it to UTF-8: iconv -f UTF-16 -t UTF-8 %s > data.txt"},
	{"version https://git-lfs.github.com/spec/", "a Git LFS pointer, not the file itself", "fetch the file: git lfs pull, or download it with the browser's or hf's download"},
	{"<!doctype html", "an HTML page", "this is what a website answered instead of the file: open the address in a browser, and take the link of the raw file"},
	{"<html", "an HTML page", "this is what a website answered instead of the file: open the address in a browser, and take the link of the raw file"},
	{"<?xml", "an XML file", "convert it to JSONL; if a website answered this instead of the file, it says why in it"},
	{"/annex/objects/", "a git-annex pointer, not the file itself", "fetch the file: git annex get %s"},
}

// refuse says what a file is that begins so and holds no data, and what to do
// about it; nil if it may be text.
func refuse(path string, begin []byte) error {
	text := bytes.TrimLeft(bytes.TrimPrefix(begin, mark), " \t\r\n")
	for _, k := range kinds {
		for _, b := range [][]byte{begin, text} {
			if len(b) >= len(k.begin) && (string(b[:len(k.begin)]) == k.begin || k.begin[0] == '<' && strings.EqualFold(string(b[:len(k.begin)]), k.begin)) {
				return wrong(strings.ReplaceAll(k.todo, "%s", filepath.Base(path)), "%s: this is %s", path, k.is)
			}
		}
	}
	switch {
	case len(begin) > 2 && begin[0] == 0x80 && begin[1] >= 2 && begin[1] <= 5:
		return wrong("it can run any code when Python loads it, so be sure of its origin; write it as JSONL: json.dumps of each record, one a line", "%s: this is a pickled Python object", path)
	case len(begin) > 262 && string(begin[257:262]) == "ustar":
		return wrong("unpack it (tar xf "+filepath.Base(path)+"), and name a file of it", "%s: this is a tar archive", path)
	case evenZeros(begin):
		return wrong("convert it to UTF-8: iconv -f UTF-16 -t UTF-8 "+filepath.Base(path)+" > data.txt", "%s: this looks like UTF-16 text without a byte order mark", path)
	case bytes.IndexByte(begin, 0) >= 0:
		return wrong("datasets are JSON, JSONL, CSV or text, perhaps compressed with gzip, zstd or bzip2", "%s: this is a binary file of an unknown type", path)
	}
	return nil
}

// evenZeros says whether every second byte is zero, as in UTF-16 text that is
// mostly ASCII.
func evenZeros(b []byte) bool {
	var zeros [2]int
	for i, c := range b {
		if c == 0 {
			zeros[i%2]++
		}
	}
	most := max(zeros[0], zeros[1])
	return len(b) >= 4 && most*10 >= len(b)/2*8 && most*10 >= (zeros[0]+zeros[1])*9
}
