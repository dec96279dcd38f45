// Package npusmi reads Ascend NPUs by what npu-smi prints.
//
// There are a parser for each of its layouts and a [Source] that runs it:
//
//	npu-smi info                 ParseTable    the devices, all they do, and who uses them (table.go)
//	npu-smi info -m              ParseMapping  ids of cards, chips and devices (mapping.go)
//	npu-smi info -l, -t …        ParseFields   "key : value" of each chip (fields.go)
//	npu-smi info watch           Rows          a row a chip every second (rows.go)
//
// Versions 22 to 26 differ in columns, widths and names, and chips differ in what they
// have. So columns are found by the head that is above them (columns.go), and nothing
// depends on a chip's name, which may be another one's: boards of the 910A print "910B".
// What is printed as NA, "-" or nothing is absent. Lines that fit nothing are handed
// out as they are; lines that do not fit never end the reading.
//
// What the numbers are worth: the power of a card with two chips is printed for the
// first chip alone, and is the card's. AICore is 0, not absent, while a profiler holds
// the counters, and on devices that are split into vNPUs.
package npusmi
