package tokenizer

// The Rust library is a static archive that build-libtokenizers.sh (make build)
// puts into .build. Naming its folder here, where the flags of all packages are
// joined at link time, makes plain "go build" and "go test" find it.

// #cgo LDFLAGS: -L${SRCDIR}/../../.build/libtokenizers/current
import "C"
