package output

import (
	"bytes"
	"cmp"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/xuri/excelize/v2"
)

// encodeWorkbook makes the file.
func encodeWorkbook(sheets []sheet) (data []byte, err error) {
	f := excelize.NewFile()
	defer func() { err = cmp.Or(err, f.Close()) }()
	now := time.Now().UTC().Format(time.RFC3339)
	if err := f.SetDocProps(&excelize.DocProperties{Creator: "weir", LastModifiedBy: "weir", Created: now, Modified: now}); err != nil {
		return nil, err
	}
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return nil, err
	}
	for i, s := range sheets {
		if i == 0 { // a new file has a sheet already
			err = f.SetSheetName(f.GetSheetName(0), s.name)
		} else {
			_, err = f.NewSheet(s.name)
		}
		if err == nil {
			err = s.write(f, bold)
		}
		if err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	err = f.Write(&b)
	return b.Bytes(), err
}

// write fills the sheet, which is there and empty. Widths and panes come before the rows.
func (s sheet) write(f *excelize.File, bold int) error {
	out, err := f.NewStreamWriter(s.name)
	if err != nil {
		return err
	}
	head := make([]any, len(s.columns))
	for i, c := range s.columns {
		head[i] = excelize.Cell{StyleID: bold, Value: c.Name}
		if err := out.SetColWidth(i+1, i+1, s.width(i)); err != nil {
			return err
		}
	}
	if err := out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	if err := out.SetRow("A1", head); err != nil {
		return err
	}
	for i, row := range s.rows {
		values := make([]any, len(row))
		for j, c := range row {
			values[j] = c.value
		}
		at, err := excelize.CoordinatesToCellName(1, i+2)
		if err == nil {
			err = out.SetRow(at, values)
		}
		if err != nil {
			return err
		}
	}
	return out.Flush()
}

// Widths of columns, in characters of the default font.
const (
	columnMargin = 2
	widestColumn = 80
)

// width is what a column takes: Chinese characters count twice.
func (s sheet) width(column int) float64 {
	widest := lineWidth(s.columns[column].Name)
	for _, row := range s.rows {
		widest = max(widest, lineWidth(row[column].text))
	}
	return float64(min(widest+columnMargin, widestColumn))
}

// lineWidth is the width of the longest line.
func lineWidth(s string) int {
	widest := 0
	for line := range strings.SplitSeq(s, "\n") {
		widest = max(widest, text.StringWidth(line))
	}
	return widest
}
