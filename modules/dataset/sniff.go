package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // for image.DecodeConfig, as noise.go's formats are
	"net/http"
	"strings"
)

// soundFormats are the types of sounds, and what chat services call them.
var soundFormats = map[string]string{
	"audio/wav":  "wav",
	"audio/mpeg": "mp3",
	"audio/flac": "flac",
	"audio/ogg":  "ogg",
}

// imageTypes are the types of images that services take. true: the standard
// library reads the size.
var imageTypes = map[string]bool{
	"image/jpeg": true,
	"image/png":  true,
	"image/gif":  true,
	"image/webp": false,
	"image/bmp":  false,
}

// describe tells from a file's content what it is, and refuses what is not of
// the kind.
func describe(kind Kind, file []byte) (*Media, error) {
	if len(file) == 0 {
		return nil, errors.New("it is empty")
	}
	if kind == Audio {
		is := soundType(file)
		if is == "" {
			return nil, fmt.Errorf("it is no sound (%s): WAV, MP3, FLAC and Ogg are known", looksLike(file))
		}
		return &Media{Kind: Audio, Type: is}, nil
	}
	is := http.DetectContentType(file)
	sized, known := imageTypes[is]
	if !known {
		return nil, fmt.Errorf("it is no image (%s): JPEG, PNG, WebP, GIF and BMP are known", looksLike(file))
	}
	m := &Media{Kind: Image, Type: is}
	if sized {
		config, _, err := image.DecodeConfig(bytes.NewReader(file))
		if err != nil {
			return nil, fmt.Errorf("it begins as %s, but is damaged: %w", is, err)
		}
		m.Width, m.Height = config.Width, config.Height
	}
	return m, nil
}

// soundType is the type of a sound, "" for anything else.
func soundType(file []byte) string {
	switch {
	case len(file) >= 12 && string(file[:4]) == "RIFF" && string(file[8:12]) == "WAVE":
		return "audio/wav"
	case bytes.HasPrefix(file, []byte("ID3")):
		return "audio/mpeg"
	case len(file) >= 2 && file[0] == 0xff && file[1]&0xe6 == 0xe2: // a frame of layer III
		return "audio/mpeg"
	case bytes.HasPrefix(file, []byte("fLaC")):
		return "audio/flac"
	case bytes.HasPrefix(file, []byte("OggS")):
		return "audio/ogg"
	}
	return ""
}

// looksLike says what a file is instead.
func looksLike(file []byte) string {
	if is := soundType(file); is != "" {
		return is
	}
	is, _, _ := strings.Cut(http.DetectContentType(file), ";")
	if is == "application/octet-stream" {
		return "of an unknown type"
	}
	return is
}
