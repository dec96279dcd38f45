// Package jinja renders the chat templates of language models as Hugging Face's
// transformers does: Jinja2 with trim_blocks, lstrip_blocks, loop controls, the
// immutable sandbox, and the functions and filters that transformers adds.
//
//	source → lexer.go → parser.go, expression.go → render.go → text
//
// A template comes with a model and is data of others. So rendering works with a
// budget (see limits.go): it always ends, in bounded memory, and ends early when its
// context does. Errors name the template, the line and what Python's Jinja2 would
// say. Values are those of Python; value.go lists them.
//
// It is our own because the Go libraries render other text than Jinja2 does and
// cannot be stopped. Of 512 conversations through the templates of Qwen3, Llama 3,
// DeepSeek-V3 and Gemma 3, nikolalohinski/gonja v2.9.1 gets 308 right (it cannot
// parse Gemma's, does not find messages[-1] of one message, and sorts the keys of
// tools); of 139 short templates ardanlabs/jinja v1.8.0 gets 69 right (None prints
// as nothing, a set inside of a loop stays, tojson(indent=4) sorts and escapes). In
// both a macro that calls itself ends the process, and types are not checked: where
// Python stops with an error, they render something.
//
// What it does not do: other templates (extends, include, import), autoescaping,
// translations, bytes, integers beyond 64 bits in arithmetic, case mappings from one
// character to several, and the filters filesizeformat, pprint, random, striptags,
// urlize, wordwrap and xmlattr.
package jinja
