package replay

import (
	"errors"
	"fmt"
	"slices"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/feature"
	"github.com/featuresql/featuresql/datasource/delta/schema"
)

// State is the outcome of action reconciliation at one version. It is immutable.
type State struct {
	Protocol *action.Protocol
	Metadata *action.Metadata
	Txns     map[string]action.Txn
	Domains  map[string]action.DomainMetadata // removed ones left out
	Files    *FileList
	Info     *action.CommitInfo // of the newest commit that was replayed; nil: it has none, or the state is a checkpoint's
}

// Commit is the actions of one commit, in the order of its lines.
type Commit struct {
	Version action.Version
	Path    string // of its file, for errors
	Actions []action.Action
}

// Base is what a replay starts from: the content of a checkpoint, or nothing.
type Base struct {
	Path     string
	Protocol *action.Protocol
	Metadata *action.Metadata
	Txns     map[string]action.Txn
	Domains  map[string]action.DomainMetadata
	Files    *Builder // nil: none
}

// key names a logical file: the canonical path and the unique id of its deletion vector.
type key struct{ path, dv string }

// reconciler walks commits from the newest to the oldest; what it has seen hides what comes after.
type reconciler struct {
	root  action.Root
	state State
	seen  map[key]bool      // logical files that a newer action spoke of
	paths map[string]bool   // paths that a newer add speaks of: a path is live at most once
	adds  [][]*action.Add   // by commit, newest first
	doms  map[string]bool   // domains that a newer action spoke of
	tombs *[]*action.Remove // collects tombstones, newest first, if not nil
}

func newReconciler(root action.Root) *reconciler {
	return &reconciler{
		root: root, seen: map[key]bool{}, paths: map[string]bool{}, doms: map[string]bool{},
		state: State{Txns: map[string]action.Txn{}, Domains: map[string]action.DomainMetadata{}},
	}
}

// commit takes in the next older commit. Its last action of a kind is the newest.
func (r *reconciler) commit(c *Commit) {
	var adds []*action.Add
	for i := len(c.Actions) - 1; i >= 0; i-- {
		a := &c.Actions[i]
		switch {
		case a.Add != nil:
			k := key{r.root.CanonicalPath(a.Add.Path), a.Add.DeletionVector.UniqueID()}
			if !r.seen[k] && !r.paths[k.path] {
				adds = append(adds, a.Add)
			}
			r.seen[k], r.paths[k.path] = true, true // one that was removed again has replaced older ones all the same
		case a.Remove != nil:
			k := key{r.root.CanonicalPath(a.Remove.Path), a.Remove.DeletionVector.UniqueID()}
			if !r.seen[k] && r.tombs != nil {
				*r.tombs = append(*r.tombs, a.Remove)
			}
			r.seen[k] = true
		default:
			r.other(a)
		}
	}
	r.adds = append(r.adds, adds)
}

// other takes in an action that is not of a file.
func (r *reconciler) other(a *action.Action) {
	s := &r.state
	switch {
	case a.Protocol != nil && s.Protocol == nil:
		s.Protocol = a.Protocol
	case a.Metadata != nil && s.Metadata == nil:
		s.Metadata = a.Metadata
	case a.Txn != nil:
		if _, ok := s.Txns[a.Txn.AppID]; !ok {
			s.Txns[a.Txn.AppID] = *a.Txn
		}
	case a.DomainMetadata != nil:
		if d := a.DomainMetadata; !r.doms[d.Domain] {
			r.doms[d.Domain] = true
			if !d.Removed {
				s.Domains[d.Domain] = *d
			}
		}
	}
}

// base takes in what is older than all commits, but for the files.
func (r *reconciler) base(p *action.Protocol, m *action.Metadata, txns map[string]action.Txn, domains map[string]action.DomainMetadata) {
	for _, t := range txns {
		r.other(&action.Action{Txn: &t})
	}
	for _, d := range domains {
		r.other(&action.Action{DomainMetadata: &d})
	}
	r.other(&action.Action{Protocol: p})
	r.other(&action.Action{Metadata: m})
}

// finish checks the state and returns the layout of its table.
func (r *reconciler) finish(commits []Commit) (*Layout, error) {
	if n := len(commits); n > 0 {
		for i := range commits[n-1].Actions {
			if info := commits[n-1].Actions[i].CommitInfo; info != nil {
				r.state.Info = info
			}
		}
	}
	switch {
	case r.state.Protocol == nil:
		return nil, &action.CorruptionError{Path: "_delta_log", Reason: "no protocol action"}
	case r.state.Metadata == nil:
		return nil, &action.CorruptionError{Path: "_delta_log", Reason: "no metaData action"}
	}
	err := feature.CheckRead(r.state.Protocol, r.state.Metadata)
	var layout *Layout
	if err == nil {
		layout, err = NewLayout(r.state.Protocol, r.state.Metadata)
	}
	var unreadable *schema.ParseError
	if errors.As(err, &unreadable) {
		return nil, &action.CorruptionError{Path: metadataPath(commits), Reason: "its metaData cannot be read", Err: err}
	}
	return layout, err
}

// metadataPath returns the commit that the newest metaData action is in.
func metadataPath(commits []Commit) string {
	for i := len(commits) - 1; i >= 0; i-- {
		if slices.ContainsFunc(commits[i].Actions, func(a action.Action) bool { return a.Metadata != nil }) {
			return commits[i].Path
		}
	}
	return "_delta_log"
}

// appendAdds appends the surviving adds of the commits, oldest first, each in the order of its lines.
func (r *reconciler) appendAdds(b *Builder) {
	for i := len(r.adds) - 1; i >= 0; i-- {
		for k := len(r.adds[i]) - 1; k >= 0; k-- {
			b.Append(r.adds[i][k])
		}
	}
}

// New replays commits, ascending and without gaps, on a checkpoint's content (nil: on nothing). Errors:
// *action.CorruptionError, *feature.UnsupportedError, those of package schema. A checkpoint that names a file twice
// is corrupt, with its own Path in the error.
func New(root action.Root, base *Base, commits []Commit) (*State, error) {
	r := newReconciler(root)
	for i := len(commits) - 1; i >= 0; i-- {
		r.commit(&commits[i])
	}
	b := &Builder{}
	if base != nil {
		r.base(base.Protocol, base.Metadata, base.Txns, base.Domains)
		if base.Files != nil {
			b = base.Files
		}
	}
	layout, err := r.finish(commits)
	if err != nil {
		return nil, err
	}
	old, err := b.Files(layout, root)
	if err != nil {
		return nil, err
	}
	if base != nil {
		if path := duplicate(old.parts, root); path != "" {
			return nil, &action.CorruptionError{Path: base.Path, Reason: fmt.Sprintf("file %s is in the checkpoint twice", path)}
		}
	}
	r.state.Files, err = old.change(layout, r.hidden(old), r.appendAdds)
	return &r.state, err
}

// hidden returns the ordinals of older files that commits removed or replaced.
func (r *reconciler) hidden(old *FileList) []int {
	var gone []int
	for k := range r.seen {
		if i, ok := old.Find(k.path, k.dv); ok {
			gone = append(gone, i)
		}
	}
	for path := range r.paths {
		if i, ok := old.FindPath(path); ok {
			gone = append(gone, i)
		}
	}
	slices.Sort(gone)
	return slices.Compact(gone)
}

// Advance replays further commits, ascending and without gaps, on an older state.
func (s *State) Advance(commits []Commit) (*State, error) {
	if len(commits) == 0 {
		return s, nil
	}
	r := newReconciler(s.Files.root)
	for i := len(commits) - 1; i >= 0; i-- {
		r.commit(&commits[i])
	}
	changed := r.state.Protocol != nil || r.state.Metadata != nil
	r.base(s.Protocol, s.Metadata, s.Txns, s.Domains)
	layout, err := r.finish(commits)
	if err != nil {
		return nil, err
	}
	if !changed {
		layout = s.Files.layout
	}
	r.state.Files, err = s.Files.change(layout, r.hidden(s.Files), r.appendAdds)
	return &r.state, err
}

// Tombstones returns the removes of commits and of a checkpoint that no newer action of the same logical file
// hides, those of commits first. live is the file list at the newest commit.
func Tombstones(live *FileList, commits []Commit, checkpoint []action.Remove) []action.Remove {
	r := newReconciler(live.root)
	var found []*action.Remove
	r.tombs = &found
	for i := len(commits) - 1; i >= 0; i-- {
		r.commit(&commits[i])
	}
	out := make([]action.Remove, 0, len(found)+len(checkpoint))
	for _, t := range found {
		out = append(out, *t)
	}
	for i := range checkpoint {
		k := key{live.root.CanonicalPath(checkpoint[i].Path), checkpoint[i].DeletionVector.UniqueID()}
		if !r.seen[k] {
			r.seen[k] = true
			out = append(out, checkpoint[i])
		}
	}
	return out
}
