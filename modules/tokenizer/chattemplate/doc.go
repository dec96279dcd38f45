// Package chattemplate renders the chat templates of language models as Hugging
// Face's transformers does: Jinja2 with trim_blocks, lstrip_blocks, loop controls,
// and the functions and filters that transformers adds.
//
// The work is done by the Rust crate minijinja, which Hugging Face's own server uses
// for this, too. chattemplate.rs sets it up and adds what Python prints in another
// way; build-libtokenizers.sh puts both into libtokenizers.a. The Go libraries render
// other text than Jinja2: of 512 conversations through the templates of Qwen3,
// Llama 3, DeepSeek-V3 and Gemma 3, nikolalohinski/gonja v2.9.1 gets 308 right, this
// one all.
//
// A template comes with a model and is data of others. It cannot read files or
// import anything. It gets 20 million steps, 300 calls or so within each other, and
// a text of 64 MiB, then it is an error: an endless loop ends within a second. A
// single operation has no limit of its own, so that a template that is made to can
// still take much time and memory, say by doubling a text again and again.
//
// What differs from Jinja2 is listed by TestDiffers: in short, tuples are lists,
// texts have no % operator, a few methods and filters are missing (rsplit,
// partition, wordcount, …) and are an error, a for over none does nothing, and
// |safe does not make what is added to it escaped.
package chattemplate
