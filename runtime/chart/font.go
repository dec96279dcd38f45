package chart

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot/font"
)

// Font is what text of a picture is written with.
type Font struct{ found bool }

func (f Font) face() font.Font {
	if f.found {
		return font.Font{Typeface: "han"}
	}
	return sans
}

// han is looked for once: there may be thousands of files.
var han = sync.OnceValue(func() Font {
	for _, dir := range fontFolders() {
		if parsed := findHan(dir); parsed != nil {
			font.DefaultCache.Add(font.Collection{{Font: font.Font{Typeface: "han"}, Face: parsed}})
			return Font{found: true}
		}
	}
	return Font{}
})

// HanFont is a font of this machine that has Chinese characters; false when there is
// none. It looks through the system's folders of fonts once.
func HanFont() (Font, bool) {
	f := han()
	return f, f.found
}

func fontFolders() []string {
	folders := []string{"/usr/share/fonts", "/usr/local/share/fonts", "/System/Library/Fonts", "/Library/Fonts", `C:\Windows\Fonts`}
	if home, err := os.UserHomeDir(); err == nil {
		folders = append(folders, filepath.Join(home, ".fonts"), filepath.Join(home, ".local/share/fonts"), filepath.Join(home, "Library/Fonts"))
	}
	return folders
}

// hanFiles are parts of the names of font files with Chinese characters, the better ones
// first.
var hanFiles = []string{"notosanscjk-regular", "notosanssc-regular", "notosanscjksc-regular", "sourcehansans-regular", "sourcehansanssc-regular", "sourcehansanscn-regular", "pingfang", "msyh.", "wqy-microhei", "wqy-zenhei", "droidsansfallback", "hiragino sans gb", "stheiti", "simhei", "simsun"}

// findHan reads the best such font of a folder; nil when it has none.
func findHan(folder string) *opentype.Font {
	found := make(map[string]string)
	filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // what cannot be read has no font for us
		}
		name := strings.ToLower(d.Name())
		for _, part := range hanFiles {
			if strings.HasPrefix(name, part) && found[part] == "" && d.Type().IsRegular() {
				found[part] = path
			}
		}
		return nil
	})
	for _, part := range hanFiles {
		if path := found[part]; path != "" {
			if f := readHan(path); f != nil {
				return f
			}
		}
	}
	return nil
}

// readHan reads a font with the letters and characters that reports have; nil when it
// is none. Of a collection it is the first, or better the one for simplified Chinese.
func readHan(path string) *opentype.Font {
	const largest = 64 << 20
	info, err := os.Stat(path)
	if err != nil || info.Size() > largest {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	fonts, err := sfnt.ParseCollection(data)
	if err != nil {
		return nil
	}
	var best *opentype.Font
	var buffer sfnt.Buffer
	for i := range fonts.NumFonts() {
		f, err := fonts.Font(i)
		if err != nil || !covers(f, &buffer) {
			continue
		}
		name, _ := f.Name(&buffer, sfnt.NameIDFull)
		if best == nil || strings.Contains(name, " SC") && !strings.Contains(name, "Mono") {
			best = f
		}
		if strings.Contains(name, " SC") {
			break
		}
	}
	return best
}

func covers(f *opentype.Font, buffer *sfnt.Buffer) bool {
	for _, r := range "Az09%吞吐延迟请求" {
		if i, err := f.GlyphIndex(buffer, r); err != nil || i == 0 {
			return false
		}
	}
	return true
}
