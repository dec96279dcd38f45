package jinja

// Statements.
type (
	textNode   struct{ text string }
	outputNode struct{ value expr }
	ifNode     struct {
		tests  []expr // else is the last body when there is one more of them
		bodies [][]node
	}
	forNode struct {
		target    expr
		items     expr
		test      expr // nil: all
		recursive bool
		body      []node
		otherwise []node
	}
	setNode struct{ target, value expr }
	// setBlockNode is {% set x %}…{% endset %}; filter has a nil value at its root.
	setBlockNode struct {
		target expr
		filter *filterExpr
		body   []node
	}
	macroNode struct {
		macro *macroDef
	}
	callBlockNode struct {
		call   *callExpr
		caller *macroDef
	}
	filterBlockNode struct {
		filter *filterExpr
		body   []node
	}
	withNode struct {
		targets, values []expr
		body            []node
	}
	scopeNode   struct{ body []node } // {% generation %}
	blockNode   struct{ body []node }
	controlNode struct{ breaks bool }
)

// macroDef is what {% macro %} declares; defaults belong to the last parameters.
type macroDef struct {
	name     string
	params   []string
	defaults []expr
	body     []node
	caller   bool // uses the name caller
	varargs  bool // uses the name varargs
	kwargs   bool // uses the name kwargs
}

// node is a statement and the line where it begins.
type node struct {
	line int
	stmt any
}

// Expressions.
type (
	expr      any
	constExpr struct{ value any }
	nameExpr  struct{ name string }
	// refExpr is ns.name as the target of a set.
	refExpr   struct{ namespace, attr string }
	tupleExpr struct{ items []expr }
	listExpr  struct{ items []expr }
	dictExpr  struct{ keys, values []expr }
	condExpr  struct{ test, yes, no expr } // no may be nil
	andExpr   struct{ left, right expr }
	orExpr    struct{ left, right expr }
	notExpr   struct{ value expr }
	signExpr  struct {
		op    string
		value expr
	}
	binaryExpr struct {
		op          string
		left, right expr
	}
	concatExpr  struct{ parts []expr }
	compareExpr struct {
		first expr
		ops   []string
		rest  []expr
	}
	attrExpr struct {
		object expr
		name   string
	}
	itemExpr  struct{ object, index expr }
	sliceExpr struct{ start, stop, step expr } // each may be nil
	callExpr  struct {
		function expr
		args     arguments
	}
	filterExpr struct {
		value expr // nil: the body of a block
		name  string
		args  arguments
	}
	testExpr struct {
		value expr
		name  string
		args  arguments
	}
)

// arguments are those of a call: f(a, b=c, *d, **e).
type arguments struct {
	positional []expr
	names      []string
	named      []expr
	star       expr
	starStar   expr
}
