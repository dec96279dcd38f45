//go:build !unix

package health

func processTime() float64 { return unknown }

func fileLimit() *int64 { return nil }
