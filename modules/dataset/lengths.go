package dataset

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// readLengths reads a file with one length in each line. Empty lines and those that begin with # are skipped.
func readLengths(path string) ([]int, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var values []int
	lines := bufio.NewScanner(file)
	for line := 1; lines.Scan(); line++ {
		text := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if text == "" || text[0] == '#' {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxLength {
			return nil, fmt.Errorf("%s:%d: %q is not a length in tokens: there is to be one whole number in each line (for lengths of a dataset or trace: like: read(…))", path, line, cut(text, 40))
		}
		if len(values) == maxCount {
			return nil, fmt.Errorf("%s has more than %d lengths", path, maxCount)
		}
		values = append(values, n)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("%s has no lengths in it", path)
	}
	return values, nil
}
