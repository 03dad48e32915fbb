package expr

import (
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// Function is a vectorized scalar function or operator.
type Function struct {
	// Name is the lower-case name that New looks for; Aliases are further names.
	Name    string
	Aliases []string
	// Signature and Doc describe the function in docs/functions.md: "left(str, n)" and one sentence.
	Signature string
	Doc       string
	// Category groups functions in the documentation: operator, string, numeric, temporal, json, misc.
	Category string

	// Resolve checks the operands, converts them (with Cast) to the types that Eval takes, and returns the type
	// and the nullability of the result. Errors: *TypeError.
	Resolve func(args []Expr) (args2 []Expr, typ types.Type, nullable bool, err error)
	// Eval computes n rows, of which only those in sel (ascending; nil: all) need be defined or may raise errors.
	// args are flat, dictionary-coded or constant vectors of n rows of the types that Resolve asked for. The result
	// comes from ctx (Out, Bytes), is one of args, or is new; it is valid until the next Eval with the same ctx.
	Eval func(ctx *EvalCtx, args []*vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error)
	// Prepare, if set, is called once per Compile with the folded operands; what it returns is ctx.State.
	Prepare func(env *Env, args []Expr) (any, error)

	// Strict functions return NULL when an operand is NULL. Unless RawNulls is set, Eval of a strict function sees
	// only rows without a NULL operand in sel, and the evaluator adds the operands' NULLs to the result.
	Strict   bool
	RawNulls bool
	// Volatile functions may differ from call to call: never folded, never evaluated once per dictionary entry.
	Volatile bool
	// EnvDependent functions read Env: folded by Compile, not by New.
	EnvDependent bool

	// build compiles special forms: lazy evaluation, constant patterns.
	build func(c *compiler, call *Call) (node, error)
}

var registry = struct {
	sync.RWMutex
	byName map[string]*Function
}{byName: map[string]*Function{}}

// Register adds f under its name and aliases. A name registered twice is a programming error and panics.
func Register(f *Function) {
	registry.Lock()
	defer registry.Unlock()
	for _, name := range append([]string{f.Name}, f.Aliases...) {
		if name != strings.ToLower(name) || name == "" {
			panic(fmt.Sprintf("expr: function name %q is not lower case", name))
		}
		if registry.byName[name] != nil {
			panic(fmt.Sprintf("expr: function %q registered twice", name))
		}
		registry.byName[name] = f
	}
}

// Lookup returns the function of a name in any case, or nil.
func Lookup(name string) *Function {
	registry.RLock()
	defer registry.RUnlock()
	if f := registry.byName[name]; f != nil {
		return f
	}
	return registry.byName[strings.ToLower(name)]
}

// Functions returns every registered function once, by name.
func Functions() []*Function {
	registry.RLock()
	defer registry.RUnlock()
	var fs []*Function
	for name, f := range registry.byName {
		if name == f.Name {
			fs = append(fs, f)
		}
	}
	sort.Slice(fs, func(i, j int) bool { return fs[i].Name < fs[j].Name })
	return fs
}
