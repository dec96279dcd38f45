module example.com/weir-prefix

go 1.26

require (
	github.com/dop251/goja v0.0.0-20260917113740-793a2a65c13b
	weir v0.0.0
)

replace weir => ../..
