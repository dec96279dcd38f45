package publish

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// writeRequest is prometheus.WriteRequest of remote-write 1.0
// (https://prometheus.io/docs/specs/prw/remote_write_spec/), of which no small Go package
// exists: prometheus/prometheus brings all of Prometheus along.
type writeRequest struct {
	series   []timeSeries
	metadata []*metric
	encoded  []byte
}

// The fields' numbers.
const (
	requestSeries, requestMetadata                           = 1, 3
	seriesLabels, seriesSamples                              = 1, 2
	labelName, labelValue                                    = 1, 2
	sampleValue, sampleTime                                  = 1, 2
	metadataType, metadataFamily, metadataHelp, metadataUnit = 1, 2, 4, 5
)

// SizeVT and MarshalToSizedBufferVT are how package remote has a message encoded.
func (w *writeRequest) SizeVT() int {
	if w.encoded == nil {
		w.encoded = w.encode()
	}
	return len(w.encoded)
}

func (w *writeRequest) MarshalToSizedBufferVT(to []byte) (int, error) {
	return copy(to, w.encoded), nil
}

func (w *writeRequest) encode() []byte {
	b := []byte{}
	var series, part []byte
	message := func(to []byte, field protowire.Number, content []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(to, field, protowire.BytesType), content)
	}
	text := func(to []byte, field protowire.Number, content string) []byte {
		return protowire.AppendString(protowire.AppendTag(to, field, protowire.BytesType), content)
	}
	for _, s := range w.series {
		series = series[:0]
		for _, l := range s.labels {
			part = text(text(part[:0], labelName, l.name), labelValue, l.value)
			series = message(series, seriesLabels, part)
		}
		for _, p := range s.points {
			part = protowire.AppendFixed64(protowire.AppendTag(part[:0], sampleValue, protowire.Fixed64Type), math.Float64bits(p.value))
			part = protowire.AppendVarint(protowire.AppendTag(part, sampleTime, protowire.VarintType), uint64(p.ms))
			series = message(series, seriesSamples, part)
		}
		b = message(b, requestSeries, series)
	}
	for _, m := range w.metadata {
		part = protowire.AppendVarint(protowire.AppendTag(part[:0], metadataType, protowire.VarintType), map[kind]uint64{counter: 1, gauge: 2, latencies: 3}[m.kind])
		part = text(text(part, metadataFamily, m.name), metadataHelp, m.help)
		if m.unit == "s" {
			part = text(part, metadataUnit, "seconds")
		}
		b = message(b, requestMetadata, part)
	}
	return b
}
