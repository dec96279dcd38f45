// Command weir runs JavaScript and TypeScript scenarios against LLM inference
// services and measures their token streams.
package main

import "weir/cmd"

func main() { cmd.Execute() }
