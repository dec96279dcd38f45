package slow

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// The types of pieces.
const (
	normal      = 1
	unknown     = 2
	control     = 3
	userDefined = 4
	unused      = 5
	byteValue   = 6
)

// The algorithms.
const (
	unigram = 1
	bpe     = 2
)

// maxPieces bounds the vocabulary; the largest known ones have 300,000 pieces.
const maxPieces = 1 << 22

type piece struct {
	text  string
	score float32
	kind  int
}

// model is what is used of a SentencePiece ModelProto. Fields that a file leaves
// out have the defaults of sentencepiece_model.proto.
type model struct {
	pieces       []piece
	algorithm    int
	byteFallback bool
	unk          int
	unkPiece     string

	charsmap    []byte // compiled rules of normalization
	dummyPrefix bool   // a blank is put before each text
	squeeze     bool   // blanks at the ends go, several become one
	escape      bool   // blanks become ▁
	suffix      bool   // ▁ stands behind words
}

// parseModel reads a tokenizer.model.
func parseModel(data []byte) (*model, error) {
	m := &model{algorithm: unigram, unkPiece: "<unk>", dummyPrefix: true, squeeze: true, escape: true}
	err := fields(data, func(number protowire.Number, v value) error {
		switch number {
		case 1:
			p := piece{kind: normal}
			err := fields(v.bytes, func(number protowire.Number, v value) error {
				switch number {
				case 1:
					p.text = string(v.bytes)
				case 2:
					p.score = math.Float32frombits(uint32(v.number))
				case 3:
					p.kind = int(v.number)
				}
				return nil
			})
			if err == nil && !utf8.ValidString(p.text) {
				err = errors.New("it is not valid UTF-8")
			}
			if err != nil {
				return fmt.Errorf("piece %d: %w", len(m.pieces), err)
			}
			if p.score != p.score {
				return fmt.Errorf("piece %d: its score is not a number", len(m.pieces))
			}
			if m.pieces = append(m.pieces, p); len(m.pieces) > maxPieces {
				return fmt.Errorf("it has more than %d pieces", maxPieces)
			}
		case 2:
			return fields(v.bytes, m.trainer)
		case 3:
			return fields(v.bytes, m.normalizer)
		}
		return nil
	})
	if err == nil && len(m.pieces) == 0 {
		err = errors.New("it has no pieces")
	}
	return m, err
}

func (m *model) trainer(number protowire.Number, v value) error {
	switch number {
	case 3:
		m.algorithm = int(v.number)
	case 24:
		m.suffix = v.number != 0
	case 35:
		m.byteFallback = v.number != 0
	case 40:
		m.unk = int(int32(v.number))
	case 45:
		m.unkPiece = string(v.bytes)
	}
	return nil
}

func (m *model) normalizer(number protowire.Number, v value) error {
	switch number {
	case 2:
		m.charsmap = v.bytes
	case 3:
		m.dummyPrefix = v.number != 0
	case 4:
		m.squeeze = v.number != 0
	case 5:
		m.escape = v.number != 0
	}
	return nil
}

// value is that of a field: bytes, or a number's bits.
type value struct {
	bytes  []byte
	number uint64
}

// fields calls f for each field of a message.
func fields(data []byte, f func(protowire.Number, value) error) error {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return fmt.Errorf("broken data: %w", protowire.ParseError(n))
		}
		data = data[n:]
		var v value
		switch kind {
		case protowire.VarintType:
			v.number, n = protowire.ConsumeVarint(data)
		case protowire.Fixed32Type:
			var bits uint32
			bits, n = protowire.ConsumeFixed32(data)
			v.number = uint64(bits)
		case protowire.Fixed64Type:
			v.number, n = protowire.ConsumeFixed64(data)
		case protowire.BytesType:
			v.bytes, n = protowire.ConsumeBytes(data)
		default:
			n = protowire.ConsumeFieldValue(number, kind, data)
		}
		if n < 0 {
			return fmt.Errorf("broken data: %w", protowire.ParseError(n))
		}
		data = data[n:]
		if err := f(number, v); err != nil {
			return err
		}
	}
	return nil
}
