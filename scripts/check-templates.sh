#!/bin/sh
# Makes a scenario of every template as a user does, and checks its types with the
# declarations that weir has written: check-templates.sh WEIR FOLDER. Besides, the declarations
# of weir/lib must be what tsc makes of its sources.
set -eu
weir=$(realpath "$1")
scripts=$(dirname "$(realpath "$0")")
tsc=$scripts/node_modules/.bin/tsc
rm -rf "$2"
mkdir -p "$2"
cd "$2"

"$weir" new --list | while read -r template _; do
	"$weir" new "my-$template" --template "$template" >/dev/null
	"$tsc" --project "my-$template" || { echo "the template $template has wrong types" >&2; exit 1; }
done

"$tsc" --project "$scripts/tsconfig.lib.json" --outDir lib
diff -r lib "$scripts/types" || { echo "the declarations of weir/lib are not those of its sources: npm run --prefix scripts types" >&2; exit 1; }
