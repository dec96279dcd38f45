package script_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"weir/runtime/script"
)

// pnpm keeps packages in a store, each beside links to what it depends on, and links
// those that the project names itself: a package finds its own dependencies, of which
// the script knows nothing, from where it really is.
func TestPackagesBehindLinks(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	store := filepath.Join("node_modules", ".pnpm")
	for path, text := range map[string]string{
		"scenarios/main.ts": `import { a } from "a"; console.log(a); export default () => { throw new Error(a); };`,
		filepath.Join(store, "a@1.0.0/node_modules/a/index.js"):       `export { b as a } from "b";`,
		filepath.Join(store, "b@2.0.0/node_modules/b/index.js"):       `export const b = "b of " + require("@s/c").c;`,
		filepath.Join(store, "@s+c@3.0.0/node_modules/@s/c/index.js"): `exports.c = "c";`,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"node_modules/a": filepath.Join(store, "a@1.0.0/node_modules/a"),
		filepath.Join(store, "a@1.0.0/node_modules/b"):    filepath.Join(store, "b@2.0.0/node_modules/b"),
		filepath.Join(store, "b@2.0.0/node_modules/@s/c"): filepath.Join(store, "@s+c@3.0.0/node_modules/@s/c"),
	} {
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(dir, target), link); err != nil {
			t.Skipf("this file system has no links: %v", err)
		}
	}
	var console bytes.Buffer
	cfg := script.Config{Modules: map[string]script.Module{"weir": testModule{}}, Console: &console}
	err := runScript(t, "scenarios/main.ts", cfg, false, &console)
	const want = "scenarios/main.ts:1:69: iteration: Error: b of c"
	if console.String() != "b of c\n" || err == nil || err.Error() != want {
		t.Errorf("console %q, error %v; want %q, %s", console.String(), err, "b of c\n", want)
	}
}
