package parquet

import (
	"github.com/parquet-go/parquet-go/format"
)

// nestedPlan says how a nested column is assembled from the leaves of the file.
type nestedPlan struct {
	root   *planNode
	leaves []planLeaf
}

// planLeaf is a leaf that the assembly reads. Its values are wanted only if conv is not nil.
type planLeaf struct {
	leaf *leaf
	conv *converter
}

// planNode is a node of the assembly.
type planNode struct {
	field    *Field
	label    []byte // of a struct's field: its name as JSON, and a colon
	missing  bool   // not in the file: NULL
	def      uint8  // definition level from which on it is not NULL
	elemDef  uint8  // List, Map: definition level from which on there is an element
	elemRep  uint8  // List, Map: repetition level of a further element
	leaf     int    // Primitive: its leaf in the plan
	leaves   []int  // all leaves below
	probe    int    // a leaf below that shows the levels
	extra    bool   // Struct: probe is no child's leaf but only there for its levels
	children []planNode
}

// planner builds a plan; byID is as in Project.
type planner struct {
	plan *nestedPlan
	byID bool
	top  *Field
}

// planNested resolves a nested field against a node at the top of the file's schema.
func planNested(f *Field, n *node, byID bool) (*nestedPlan, error) {
	p := &planner{plan: &nestedPlan{}, byID: byID, top: f}
	root, err := p.node(f, n, false)
	if err != nil {
		return nil, err
	}
	p.plan.root = &root
	return p.plan, nil
}

func (p *planner) mismatch(n *node) error {
	what := "a group"
	if n.leaf != nil {
		what = n.leaf.describe()
	}
	return &UnsupportedTypeError{Column: p.top.Name + "…" + n.name, File: what}
}

// node plans field f as node n. asElement says that n's own repetition is that of a list around it.
func (p *planner) node(f *Field, n *node, asElement bool) (planNode, error) {
	repeated := n.repetition == format.Repeated && !asElement
	switch f.Kind {
	case Primitive:
		return p.primitive(f, n, repeated)
	case Struct:
		if n.leaf != nil || repeated {
			return planNode{}, p.mismatch(n)
		}
		return p.structure(f, n)
	case List:
		if len(f.Children) != 1 {
			return planNode{}, p.mismatch(n)
		}
		if repeated { // a repeated field without a list around it
			return p.listOf(f, n.def-1, n, func() (planNode, error) { return p.node(&f.Children[0], n, true) })
		}
		return p.list(f, n)
	case Map:
		if len(f.Children) != 2 || n.leaf != nil {
			return planNode{}, p.mismatch(n)
		}
		return p.mapping(f, n, repeated)
	}
	return planNode{}, p.mismatch(n)
}

func (p *planner) addLeaf(l *leaf, conv *converter) int {
	p.plan.leaves = append(p.plan.leaves, planLeaf{leaf: l, conv: conv})
	return len(p.plan.leaves) - 1
}

func (p *planner) primitive(f *Field, n *node, repeated bool) (planNode, error) {
	if n.leaf == nil || repeated {
		return planNode{}, p.mismatch(n)
	}
	conv, err := newConverter(n.leaf, f.Type)
	if err != nil {
		return planNode{}, err
	}
	i := p.addLeaf(n.leaf, conv)
	return planNode{field: f, def: n.def, leaf: i, leaves: []int{i}, probe: i}, nil
}

func (p *planner) structure(f *Field, n *node) (planNode, error) {
	out := planNode{field: f, def: n.def, probe: -1, children: make([]planNode, len(f.Children))}
	for i := range f.Children {
		c := &f.Children[i]
		label := append(appendJSONString(nil, []byte(c.Name)), ':')
		m := match(n, c, p.byID)
		if m == nil || m.annot.kind == annotNull {
			out.children[i] = planNode{field: c, label: label, missing: true}
			continue
		}
		child, err := p.node(c, m, false)
		if err != nil {
			return out, err
		}
		child.label = label
		out.children[i] = child
		out.leaves = append(out.leaves, child.leaves...)
		if out.probe < 0 {
			out.probe = child.probe
		}
	}
	if out.probe < 0 {
		l := shallowestLeaf(n)
		if l == nil {
			return out, p.mismatch(n)
		}
		i := p.addLeaf(l, nil)
		out.leaves, out.probe, out.extra = []int{i}, i, true
	}
	return out, nil
}

// shallowestLeaf returns the leaf below n with the fewest levels.
func shallowestLeaf(n *node) *leaf {
	best := n.leaf
	for _, c := range n.children {
		if l := shallowestLeaf(c); l != nil && (best == nil || l.maxRep < best.maxRep) {
			best = l
		}
	}
	return best
}

// listOf plans a list whose elements repeat with node r.
func (p *planner) listOf(f *Field, def uint8, r *node, element func() (planNode, error)) (planNode, error) {
	e, err := element()
	if err != nil {
		return planNode{}, err
	}
	return planNode{field: f, def: def, elemDef: r.def, elemRep: r.rep, leaves: e.leaves, probe: e.probe, children: []planNode{e}}, nil
}

// list plans a group around a repeated node, in the present layout or one of the older ones: the repeated
// node is the element itself ("two-level"), or a group around it (parquet-format, LogicalTypes.md, "Lists").
func (p *planner) list(f *Field, n *node) (planNode, error) {
	if n.leaf != nil || len(n.children) != 1 || n.children[0].repetition != format.Repeated {
		return planNode{}, p.mismatch(n)
	}
	r := n.children[0]
	elem := &f.Children[0]
	itself := func() (planNode, error) { return p.node(elem, r, true) }
	if r.leaf != nil {
		return p.listOf(f, n.def, r, itself)
	}
	tries := []func() (planNode, error){itself}
	if len(r.children) == 1 {
		wrapped := func() (planNode, error) { return p.node(elem, r.children[0], false) }
		tries = []func() (planNode, error){wrapped, itself}
		if r.name == "array" || r.name == n.name+"_tuple" || r.annot.kind == annotList || r.annot.kind == annotMap || p.isFieldOf(elem, r) {
			tries = []func() (planNode, error){itself, wrapped}
		}
	}
	var first error
	for _, try := range tries {
		mark := len(p.plan.leaves)
		out, err := p.listOf(f, n.def, r, try)
		if err == nil {
			return out, nil
		}
		p.plan.leaves = p.plan.leaves[:mark]
		if first == nil {
			first = err
		}
	}
	return planNode{}, first
}

// isFieldOf reports whether the only child of r is plainly a field of the struct that elements are to be, and
// no struct itself: then r is the element.
func (p *planner) isFieldOf(elem *Field, r *node) bool {
	return elem.Kind == Struct && r.children[0].leaf != nil && matchesAny(elem.Children, r, p.byID)
}

func matchesAny(fields []Field, r *node, byID bool) bool {
	for i := range fields {
		if match(r, &fields[i], byID) != nil {
			return true
		}
	}
	return false
}

// mapping plans a group around a repeated group of a key and a value, whatever these are called.
func (p *planner) mapping(f *Field, n *node, repeated bool) (planNode, error) {
	r, def := n, n.def
	if repeated {
		def = n.def - 1
	} else {
		if len(n.children) != 1 || n.children[0].repetition != format.Repeated {
			return planNode{}, p.mismatch(n)
		}
		r = n.children[0]
	}
	if r.leaf != nil || len(r.children) == 0 || len(r.children) > 2 {
		return planNode{}, p.mismatch(n)
	}
	if f.Children[0].Kind != Primitive {
		return planNode{}, p.mismatch(r)
	}
	k := 0
	if len(r.children) == 2 && r.children[1].name == "key" {
		k = 1
	}
	key, err := p.node(&f.Children[0], r.children[k], false)
	if err != nil {
		return planNode{}, err
	}
	out := planNode{field: f, def: def, elemDef: r.def, elemRep: r.rep, leaves: key.leaves, probe: key.probe}
	value := planNode{field: &f.Children[1], missing: true}
	if len(r.children) == 2 {
		if value, err = p.node(&f.Children[1], r.children[1-k], false); err != nil {
			return planNode{}, err
		}
		out.leaves = append(out.leaves[:len(out.leaves):len(out.leaves)], value.leaves...)
	}
	out.children = []planNode{key, value}
	return out, nil
}
