// Package scripts holds weir's own scenarios, which `weir run NAME` plays.
package scripts

import "embed"

// Files are the scenarios, by file name.
//
//go:embed *.ts
var Files embed.FS
