package declarations_test

import (
	"fmt"
	"strings"
	"testing"

	"weir/docs/declarations"
)

// summary is what was read, a line a declaration and member.
func summary(all []*declarations.Module) string {
	var b strings.Builder
	mark := func(on bool, text string) string {
		if on {
			return text
		}
		return ""
	}
	for _, m := range all {
		fmt.Fprintf(&b, "%s%s: %s\n", m.Name, mark(m.Closed, " closed"), m.Doc)
		for _, d := range m.Declarations {
			fmt.Fprintf(&b, " %s%s %s %q %q: %s\n", mark(d.Exported, "export "), d.Kind, d.Name, d.Head, d.Extends, d.Doc)
			for _, of := range d.Members {
				fmt.Fprintf(&b, "  %s%s%s%s%s %q: %s\n", mark(of.Private, "private "), mark(of.Static, "static "), of.Name, mark(of.Optional, "?"), mark(of.Method, "()"), of.Type, of.Doc)
			}
		}
	}
	return b.String()
}

func TestParse(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		all, err := declarations.Parse("a.d.ts", text)
		if err != nil {
			t.Error(err)
			return
		}
		if got := summary(all); got != want {
			t.Errorf("%s\n got:\n%s\nwant:\n%s", text, got, want)
		}
	}
	module := func(body string) string { return "declare module \"m\" {\n" + body + "\n}\n" }

	f("", "")
	f("/** About it. */\ndeclare module \"m\" {}", "m: About it.\n")
	f("/** About them. */\n\n/** One. */\ndeclare const a: number;\n/** Another. */\ndeclare function b(): void;",
		" closed: About them.\n export const a \"const a: number\" []: One.\n export function b \"function b(): void\" []: Another.\n")
	// What is not exported, and whether TypeScript hides it.
	f(module("type A = 1; export type B = A;"), "m: \n type A \"type A = 1\" []: \n export type B \"type B = A\" []: \n")
	f(module("type A = 1; export {};"), "m closed: \n type A \"type A = 1\" []: \n")
	f(module("const all: { a: typeof a }; export default all;"), "m closed: \n const all \"const all: { a: typeof a }\" []: \n  a \"typeof a\": \n export default all \"default all\" []: \n")
	// Comments and strings may hold anything.
	f(module("/** It's {odd}; isn't it? */\nexport function f(a: \"}\" | ';', b: /* ) */ `{`): void;"),
		"m: \n export function f \"function f(a: \\\"}\\\" | ';', b: /* ) */ `{`): void\" []: It's {odd}; isn't it?\n")
	f(module("// a line; {\nimport type { X } from \"x\";\nexport const x: X; // }"), "m: \n export const x \"const x: X\" []: \n")
	// Members of every kind.
	f(module(`export abstract class C<T extends U = U> extends D<T, [1, 2]> implements E {
  private constructor();
  #private;
  /** Read. */
  readonly a: string;
  static b?(x: { y: 1; z: 2 }): void;
  get c(): number;
  readonly: boolean;
  [Symbol.iterator](): Iterator<T>;
  readonly [index: number]: T;
  "d-e": () => void;
}`), `m: 
 export class C "class C<T extends U = U> extends D<T, [1, 2]> implements E" ["D<T, [1, 2]>"]: 
  private constructor() "": 
  private #private "": 
  a "string": Read.
  static b?() "": 
  c "number": 
  readonly "boolean": 
  @@iterator() "": 
  [] "T": 
  d-e "() => void": 
`)
	f(module("export interface A extends B, Pick<C, \"d\" | \"e\"> { f: 1; g?: 2 }"), "m: \n export interface A \"interface A extends B, Pick<C, \\\"d\\\" | \\\"e\\\">\" [\"B\" \"Pick<C, \\\"d\\\" | \\\"e\\\">\"]: \n  f \"1\": \n  g? \"2\": \n")
	// An object alone has members; the first of a union has not.
	f(module("export type A = { b: 1 } | { c: 2 };"), "m: \n export type A \"type A = { b: 1 } | { c: 2 }\" []: \n")
	f(module("/**\n * One.\n *\n *     code();\n */\nexport type A =\n  | 1\n  | 2;"), "m: \n export type A \"type A =\\n| 1\\n| 2\" []: One.\n\n    code();\n")
}

func TestParseSaysWhere(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := declarations.Parse("a.d.ts", text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
	f("export const a = 1;", "a.d.ts:1:1: this is not a declaration")
	f("declare module \"m\" {\n  const a: 1\n}", "a.d.ts:3:1: const a does not end with a semicolon")
	f("declare module \"m\" {", "module m has no end")
	f("declare module \"m\" { export namespace a {} }", `declarations of the kind "namespace" are not known here`)
	f("declare module \"m\" { export { a } from \"b\"; }", "only export {} is known here")
	f("declare class A { b: 1", `there is no ";" after this`)
	f("declare class A {", "the body has no end")
	f("declare class A { ! }", "a.d.ts:1:19: this is not a member")
	f("declare const a: \"b;", "the string has no end")
	f("/* a", "the comment has no end")
	f("declare function (): void;", "the function has no name")
}

// Whatever a file holds, it is read or refused.
func FuzzParse(f *testing.F) {
	f.Add("/** A. */\ndeclare module \"m\" { import type { X } from \"x\"; export class A extends B<C> { get a(): 1; [x: string]: 2 } export type T = { a: 1 }; export {}; }")
	f.Add("declare const a: {")
	f.Add("declare interface A<")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := declarations.Parse("a.d.ts", text)
		if err != nil {
			return
		}
		pages := declarations.Pages{}
		for _, m := range all {
			pages[m.Name] = m
		}
		for name := range pages {
			pages.Page(name)
		}
		pages.Index()
	})
}

func TestPage(t *testing.T) {
	all, err := declarations.Parse("a.d.ts", `/** Clocks: see docs/clocks.md#drift. More. */
declare module "weir/clock" {
  import type { Duration } from "weir";
  /**
   * A clock.
   *
   *     const c = new Clock();
   *
   * It ticks.
   * @param zone such as "UTC".
   */
  export class Clock {
    constructor(zone?: "UTC" | "local");
    /** The time. */
    now(): number;
    readonly zone: string;
  }
  /** When it rings. */
  export interface Alarm {
    /** From now | then. */
    in?: Duration | Clock;
  }
  export default Clock;
}
/** A span. */
declare module "weir" {
  /** A span. Long. */
  export type Duration = string | number;
}`)
	if err != nil {
		t.Fatal(err)
	}
	pages := declarations.Pages{}
	for _, m := range all {
		pages[m.Name] = m
	}
	const want = "# weir/clock\n\nClocks: see [docs/clocks.md](../clocks.md#drift). More.\n\n" +
		"```ts fragment\nimport { Clock } from \"weir/clock\";\nimport clock from \"weir/clock\"; // the same, as members of one object\n```\n\n" +
		"| Exports | |\n|---|---|\n| [Clock](#clock) | A clock. |\n\n| Types | |\n|---|---|\n| [Alarm](#alarm) | When it rings. |\n\n" +
		"## Clock\n\n```ts fragment\nclass Clock\nnew Clock(zone?: \"UTC\" | \"local\")\n```\n\n" +
		"A clock.\n\n```ts fragment\nconst c = new Clock();\n```\n\nIt ticks.\n\n* `zone`: such as \"UTC\".\n\n" +
		"| name | type | |\n|---|---|---|\n| `zone` | `string` |  |\n\n" +
		"### Clock.now\n\n```ts fragment\nnow(): number\n```\n\nThe time.\n\n" +
		"## Alarm\n\nWhen it rings.\n\n| name | type | |\n|---|---|---|\n| `in?` | `Duration \\| Clock` | From now \\| then. |\n\nSee [Duration](weir.md#duration), [Clock](#clock).\n"
	_, got, _ := strings.Cut(pages.Page("weir/clock"), "-->\n\n")
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if index := pages.Index(); !strings.Contains(index, "| [weir](weir.md) | A span. |\n| [weir/clock](clock.md) | Clocks: see [docs/clocks.md](../clocks.md#drift). |\n") {
		t.Errorf("index:\n%s", index)
	}
}
