package planner

import (
	"fmt"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/featuresql/featuresql/engine/parser"
)

// droppedRules are the host's optimisations that the planner does itself, on its own tree. Several of them
// lose or invent rows (docs/decisions/0001-host-engine.md); none is needed for a plan to be executable.
var droppedRules = map[string]bool{
	"simplifyFilters":              true, // LIKE 'abc%' loses rows whose next character is above U+00FF
	"pushNotFilters":               true,
	"hoistOutOfScopeFilters":       true,
	"pushdownSubqueryAliasFilters": true,
	"pruneTables":                  true,
	"unnestInSubqueries":           true,
	"unnestExistsSubqueries":       true, // NOT EXISTS gives nothing when the inner column holds a NULL
	"replaceCrossJoins":            true,
	"moveJoinConditionsToFilter":   true,
	"pushFilters":                  true,
	"optimizeJoins":                true,
	"applyIndexesFromOuterScope":   true,
	"replaceAgg":                   true,
	"replaceIdxSort":               true,
	"replaceIdxOrderByDistance":    true,
	"applyHashIn":                  true,
	"cacheSubqueryAliasesInJoins":  true,
	"eraseProjection":              true,
	"inlineSubqueryAliasRefs":      true,
	"assignRoutines":               true, // lists the databases for every table of a query; there are no routines
	"validateGroupBy":              true, // checkQueries knows functional dependence
	"validateUnionSchemasMatch":    true, // the converter finds the common types
}

// Install replaces the analyzer's optimisations by the conversion of queries, as its last batch.
func (rt *Runtime) Install(a *analyzer.Analyzer) {
	for i, b := range a.Batches {
		kept := make([]analyzer.Rule, 0, len(b.Rules))
		for _, r := range b.Rules {
			if !droppedRules[r.Id.String()] {
				kept = append(kept, r)
			}
		}
		replaced := *b
		replaced.Rules = kept
		a.Batches[i] = &replaced
	}
	a.Batches = append([]*analyzer.Batch{{
		Desc:       "featuresql privileges, sides of set operations and columns of groups",
		Iterations: 1,
		Rules:      []analyzer.Rule{{Id: privilegeRuleID, Apply: rt.privilegeRule}, {Id: setOpRuleID, Apply: rt.setOpRule}, {Id: groupOuterRuleID, Apply: rt.groupOuterRule}},
	}}, a.Batches...)
	a.Batches = append(a.Batches, &analyzer.Batch{
		Desc:       "featuresql",
		Iterations: 1,
		Rules:      []analyzer.Rule{{Id: convertRuleID, Apply: rt.convertRule}},
	})
	a.ExecBuilder = rt.hostExec
	a.Catalog.RegisterFunction(sql.NewEmptyContext(), ownFunctionList()...)
}

// convertRuleID must be unknown to the host.
const convertRuleID analyzer.RuleId = 10_000

// ruleOfSides is a rule of the host's that does not run when it analyzes the sides of a set operation.
var ruleOfSides = func() (id analyzer.RuleId) {
	for id.String() != "resolveUnions" {
		id++
	}
	return id
}()

// convertRule converts the outermost queries of a statement; subqueries, and the sides of set operations, come with them: they read what
// the statement reads, as often as it is executed.
func (rt *Runtime) convertRule(ctx *sql.Context, _ *analyzer.Analyzer, n sql.Node, s *plan.Scope, sel analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
	if s != nil || !sel(ruleOfSides) {
		return n, transform.SameTree, nil
	}
	if _, ours := n.(statementNode); ours || n.IsReadOnly() { // the host sets it for every view that it binds; it would commit
		flags.Unset(sql.QFlagDDL)
	}
	if err := checkQueries(n, modeHas(ctx, "ONLY_FULL_GROUP_BY", "ANSI")); err != nil {
		return nil, transform.SameTree, err
	}
	out, err := rt.replaceQueries(ctx, n, true)
	return out, transform.NewTree, err
}

func (rt *Runtime) replaceQueries(ctx *sql.Context, n sql.Node, root bool) (sql.Node, error) {
	if ours, ok := n.(statementNode); ok {
		return n, ours.prepare(ctx)
	}
	if isQuery(n) {
		c, err := rt.newConverter(ctx)
		if err != nil {
			return nil, err
		}
		r, err := c.convert(n, nil)
		if err != nil {
			return nil, err
		}
		if rows, ok := r.(*rowsRel); ok { // nothing of ours in it
			return rows.node, nil
		}
		if root && len(n.Schema()) == 0 { // no client understands such a result
			return nil, &parser.NoColumnsError{}
		}
		q := rt.newNode(c, r, n.Schema())
		q.root = root
		return q, nil
	}
	switch n := n.(type) {
	case *plan.Kill:
		if !slices.ContainsFunc(ctx.ProcessList.Processes(), func(p sql.Process) bool { return p.Connection == n.ConnID }) {
			return nil, &UnknownThreadError{n.ConnID}
		}
	case *plan.DropDB:
		if !n.IfExists && !rt.provider.HasDatabase(ctx, n.DbName) {
			return nil, &DropDatabaseError{n.DbName}
		}
	}
	if shown, err := rt.showTable(ctx, n); shown != nil || err != nil {
		return shown, err
	}
	into, ok := n.(*plan.Into) // SELECT … INTO: the one host node that runs a query below it
	if !ok {
		return n, nil
	}
	if into.Outfile != "" || into.Dumpfile != "" {
		return nil, &ServerFileError{Path: into.Outfile + into.Dumpfile}
	}
	child, err := rt.replaceQueries(ctx, into.Child, false)
	if err != nil {
		return nil, err
	}
	return into.WithChildren(child)
}

// UnknownThreadError says that KILL names no connection.
type UnknownThreadError struct{ ID uint32 }

func (e *UnknownThreadError) Error() string { return fmt.Sprintf("Unknown thread id: %d", e.ID) }

// DropDatabaseError says that DROP DATABASE names no database.
type DropDatabaseError struct{ Database string }

func (e *DropDatabaseError) Error() string {
	return "Can't drop database '" + e.Database + "'; database doesn't exist"
}

// isQuery reports whether n is a relational operator that the converter takes.
func isQuery(n sql.Node) bool {
	switch n.(type) {
	case *plan.Project, *plan.Filter, *plan.Having, *plan.GroupBy, *plan.Sort, *plan.TopN, *plan.Limit, *plan.Offset, *plan.Distinct,
		*plan.OrderedDistinct, *plan.SetOp, *plan.JoinNode, *plan.SubqueryAlias, *plan.TableAlias, *plan.ResolvedTable,
		*plan.Values, *plan.ValueDerivedTable, *plan.CachedResults, *plan.Max1Row:
		return true
	}
	return false
}
