package parser

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// WindowError says that a window is not one that MySQL takes; Code is MySQL's number, from 3579 to 3596.
type WindowError struct {
	Code   int
	Reason string
}

func (e *WindowError) Error() string { return e.Reason }

func windowError(code int, format string, args ...any) error {
	return &WindowError{Code: code, Reason: fmt.Sprintf(format, args...)}
}

const unnamedWindow = "<unnamed window>"

// resolveWindows replaces every call with OVER in a select list or ORDER BY by a WindowExpr that holds its whole
// window: the host would bind named windows too, but then it gives the same frame to a window without one and to
// one whose frame is all rows, and it has no windows over aggregates. A call that stands elsewhere is an error.
func resolveWindows(st ast.Statement) error {
	w := walker{expr: refuseWindow}
	w.enter = func(node any) bool {
		if sel, ok := node.(*ast.Select); ok && w.err == nil {
			w.err = resolveSelect(sel)
		}
		return w.err == nil
	}
	w.walk(reflect.ValueOf(st))
	return w.err
}

func refuseWindow(e ast.Expr) (ast.Expr, error) {
	if f, ok := e.(*ast.FuncExpr); ok && f.Over != nil {
		return nil, misplacedWindow(f.Name.Lowered())
	}
	return e, nil
}

func misplacedWindow(function string) error {
	return windowError(3593, "You cannot use the window function '%s' in this context.", function)
}

// resolveSelect handles the calls of one SELECT; those of SELECTs within it come later.
func resolveSelect(sel *ast.Select) error {
	named, err := namedWindows(sel.Window)
	if err != nil {
		return err
	}
	w := walker{
		expr: func(e ast.Expr) (ast.Expr, error) {
			if f, ok := e.(*ast.FuncExpr); ok && f.Over != nil {
				return named.call(f)
			}
			return e, nil
		},
		enter: func(node any) bool {
			_, inner := node.(ast.SelectStatement)
			return !inner
		},
	}
	w.walk(reflect.ValueOf(&sel.SelectExprs))
	w.walk(reflect.ValueOf(&sel.OrderBy))
	sel.Window = nil
	return w.err
}

// windows are the named windows of a SELECT, each with what it inherits.
type windows struct {
	defs map[string]*ast.WindowDef
	done map[string]bool // false while the window is being resolved
}

func namedWindows(list ast.Window) (*windows, error) {
	w := &windows{defs: map[string]*ast.WindowDef{}, done: map[string]bool{}}
	for _, def := range list {
		if w.defs[def.Name.Lowered()] != nil {
			return nil, windowError(3591, "Window '%s' is defined twice.", def.Name)
		}
		w.defs[def.Name.Lowered()] = def
	}
	for _, def := range list {
		if _, err := w.resolve(def); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// resolve returns def with what the window it names gives it.
func (w *windows) resolve(def *ast.WindowDef) (*ast.WindowDef, error) {
	name := def.Name.Lowered()
	if def.NameRef.IsEmpty() {
		w.done[name] = true
		return def, checkWindow(def)
	}
	if done, seen := w.done[name]; name != "" && seen {
		if !done {
			return nil, windowError(3580, "There is a circularity in the window dependency graph.")
		}
		return w.defs[name], nil
	}
	base := w.defs[def.NameRef.Lowered()]
	if base == nil {
		return nil, windowError(3579, "Window name '%s' is not defined.", def.NameRef)
	}
	if name != "" {
		w.done[name] = false
	}
	base, err := w.resolve(base)
	if err != nil {
		return nil, err
	}
	merged, err := inherit(def, base)
	if err != nil {
		return nil, err
	}
	if name != "" {
		w.defs[name], w.done[name] = merged, true
	}
	return merged, checkWindow(merged)
}

// inherit returns def with the partitioning and order of base. OVER w, which takes w as it is, is what OVER (w)
// looks like in the syntax tree.
func inherit(def, base *ast.WindowDef) (*ast.WindowDef, error) {
	bare := len(def.PartitionBy) == 0 && len(def.OrderBy) == 0 && def.Frame == nil
	switch {
	case bare && def.Name.IsEmpty():
		return base, nil
	case len(def.PartitionBy) > 0:
		return nil, windowError(3581, "A window which depends on another cannot define partitioning.")
	case base.Frame != nil:
		return nil, windowError(3582, "Window '%s' has a frame definition, so cannot be referenced by another window.", base.Name)
	case len(def.OrderBy) > 0 && len(base.OrderBy) > 0:
		return nil, windowError(3583, "Window '%s' cannot inherit '%s' since both contain an ORDER BY clause.", windowName(def), base.Name)
	}
	merged := &ast.WindowDef{Name: def.Name, PartitionBy: base.PartitionBy, OrderBy: base.OrderBy, Frame: def.Frame}
	if len(def.OrderBy) > 0 {
		merged.OrderBy = def.OrderBy
	}
	return merged, nil
}

func windowName(def *ast.WindowDef) string {
	if def.Name.IsEmpty() {
		return unnamedWindow
	}
	return def.Name.String()
}

func checkWindow(def *ast.WindowDef) error {
	keys := append(ast.Exprs(nil), def.PartitionBy...)
	for _, o := range def.OrderBy {
		keys = append(keys, o.Expr)
	}
	for _, k := range keys {
		if v, ok := k.(*ast.SQLVal); ok && v.Type == ast.IntVal {
			return windowError(3592, "Window '%s': ORDER BY or PARTITION BY uses legacy position indication which is not supported, use expression.", windowName(def))
		}
	}
	if def.Frame == nil {
		return nil
	}
	for _, b := range []*ast.FrameBound{def.Frame.Extent.Start, def.Frame.Extent.End} {
		if b == nil || b.Expr == nil {
			continue
		}
		if i, ok := b.Expr.(*ast.IntervalExpr); ok && def.Frame.Unit == ast.RowsUnit && i.Unit != markNumber {
			return windowError(3596, "Window '%s': INTERVAL can only be used with RANGE frames.", windowName(def))
		}
		if def.Frame.Unit == ast.RangeUnit && len(def.OrderBy) != 1 {
			return windowError(3587, "Window '%s' with RANGE N PRECEDING/FOLLOWING frame requires exactly one ORDER BY expression, of numeric or temporal type.", windowName(def))
		}
	}
	return nil
}

// call returns the expression that stands for f.
func (w *windows) call(f *ast.FuncExpr) (ast.Expr, error) {
	if f.Distinct {
		return nil, &UnsupportedError{"DISTINCT in a window function"}
	}
	def, err := w.resolve((*ast.WindowDef)(f.Over))
	if err != nil {
		return nil, err
	}
	shape := windowShape{Function: f.Name.Lowered(), Window: windowName(def), partition: len(def.PartitionBy)}
	var kids ast.Exprs
	for _, e := range f.Exprs {
		switch e := e.(type) {
		case *ast.AliasedExpr:
			kids = append(kids, e.Expr)
		case *ast.StarExpr:
			if shape.Function != "count" || len(f.Exprs) != 1 || !e.TableName.IsEmpty() {
				return nil, &SyntaxError{Reason: "* as an argument of " + shape.Function}
			}
		}
	}
	shape.args = len(kids)
	kids = append(kids, def.PartitionBy...)
	for _, o := range def.OrderBy {
		kids = append(kids, o.Expr)
		shape.Desc = append(shape.Desc, strings.EqualFold(o.Direction, ast.DescScr))
	}
	if def.Frame != nil {
		shape.Frame = &WindowFrame{Rows: def.Frame.Unit == ast.RowsUnit, End: WindowBound{Kind: ast.CurrentRow}}
		shape.Frame.Start, kids = frameBound(def.Frame.Extent.Start, kids)
		if def.Frame.Extent.End != nil {
			shape.Frame.End, kids = frameBound(def.Frame.Extent.End, kids)
		}
	}
	return ast.InjectedExpr{Expression: shape, Children: kids, Auth: noAuth}, nil
}

func frameBound(b *ast.FrameBound, kids ast.Exprs) (WindowBound, ast.Exprs) {
	out := WindowBound{Kind: b.Type}
	if b.Expr == nil {
		return out, kids
	}
	out.distance = len(kids) + 1
	if i, ok := b.Expr.(*ast.IntervalExpr); ok {
		if i.Unit != markNumber {
			out.Unit = strings.ToLower(i.Unit)
		}
		return out, append(kids, i.Expr)
	}
	return out, append(kids, b.Expr)
}

// WithResolvedChildren implements ast.Injectable.
func (s windowShape) WithResolvedChildren(children []any) (any, error) {
	w := &WindowExpr{windowShape: s, kids: make([]sql.Expression, len(children))}
	for i, c := range children {
		e, ok := c.(sql.Expression)
		if !ok {
			return nil, &SyntaxError{Reason: "an operand of " + s.Function + " is not a value"}
		}
		var inner *WindowExpr
		sql.Inspect(e, func(e sql.Expression) bool {
			if x, ok := e.(*WindowExpr); ok {
				inner = x
			}
			return inner == nil
		})
		switch {
		case inner != nil && i < s.args:
			return nil, misplacedWindow(inner.Function)
		case inner != nil:
			return nil, windowError(3595, "You cannot nest a window function in the specification of window '%s'.", s.Window)
		}
		w.kids[i] = e
	}
	return w, nil
}

func (s windowShape) String() string { return s.Function + "() over ()" }
