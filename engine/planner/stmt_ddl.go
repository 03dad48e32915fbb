package planner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/google/uuid"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/datasource/delta/write"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/txn"
)

// columnField turns a column definition into a field of the schema, and into a constraint where Delta has no such type.
func columnField(d parser.ColumnDef, meta *action.Metadata) (schema.Field, error) {
	if d.Generated != "" || d.Identity {
		return schema.Field{}, &UnsupportedError{What: "a generated or identity column (" + d.Name + ")"}
	}
	t, err := schema.ParseType(d.Type.DeltaJSON())
	if err != nil {
		return schema.Field{}, err
	}
	f := schema.Field{Name: d.Name, Type: t, Nullable: !d.NotNull}
	setComment(&f, d.Comment)
	setDefault(&f, d.Default)
	declareType(&f, d.Type, meta.Configuration)
	return f, nil
}

// setDefault sets a column's default; "" and NULL are none.
func setDefault(f *schema.Field, text string) {
	if f.Metadata = f.Metadata.Without(schema.KeyDefault); text != "" && !strings.EqualFold(text, "NULL") {
		f.Metadata = f.Metadata.WithStr(schema.KeyDefault, text)
	}
}

// declareType notes in field and properties what the declared type allows less than the stored one.
func declareType(f *schema.Field, t parser.DataType, conf map[string]string) {
	f.Metadata = f.Metadata.Without(schema.KeyCharVarchar).Without(schema.KeyDeclared)
	rule := schema.PropertyConstraints + schema.TypeConstraint(f.Name)
	delete(conf, rule)
	switch cond := t.Condition(f.Name); {
	case cond != "":
		f.Metadata = f.Metadata.WithStr(schema.KeyDeclared, t.Declared)
		conf[rule] = cond
	case t.Declared == schema.DeclaredJSON:
		f.Metadata = f.Metadata.WithStr(schema.KeyDeclared, t.Declared)
	case t.Declared != "":
		f.Metadata = f.Metadata.WithStr(schema.KeyCharVarchar, t.Declared)
	}
}

// selectField describes a column of CREATE TABLE … AS SELECT.
func selectField(f exec.Field) schema.Field {
	t, ok := schema.TypeOf(f.Type)
	switch {
	case f.Type.Kind == types.Uint64:
		t = schema.DecimalOf(20, 0)
	case f.Type.Kind == types.Decimal:
		p := min(int(f.Type.Precision), types.MaxPrecision38)
		t = schema.DecimalOf(p, min(int(f.Type.Scale), p))
	case !ok || t.Name == schema.Void:
		t = schema.Primitive{Name: schema.String}
	}
	return schema.Field{Name: f.Name, Type: t, Nullable: true}
}

// newTable is a table about to be created.
type newTable struct {
	meta   *action.Metadata
	proto  *action.Protocol
	schema *schema.Struct
}

func (s *statement) createTable(ctx *sql.Context, stmt *parser.CreateTable) ([]sql.Row, error) {
	if stmt.Temporary {
		return nil, &UnsupportedError{What: "CREATE TEMPORARY TABLE"}
	}
	if len(stmt.ClusterBy) > 0 {
		return nil, &UnsupportedError{What: "CLUSTER BY"}
	}
	db, err := s.rt.database(ctx, stmt.Table)
	if err != nil {
		return nil, err
	}
	for try, begun := 1, time.Now(); ; try++ {
		rows, err := s.createIn(ctx, stmt, db)
		if time.Since(begun) > overtaken(err, stmt) {
			return rows, err
		}
		if err := pause(ctx, try); err != nil {
			return nil, err
		}
	}
}

// overtaken returns for how long after its beginning a CREATE that failed with err is to be tried again, as others make, replace or drop the table,
// or write files for it; negative if it is not.
func overtaken(err error, stmt *parser.CreateTable) time.Duration {
	var there *txn.TableExistsError
	var conflict *txn.ConflictError
	var place *catalog.PlaceError
	switch {
	case errors.Is(err, errRedefined):
		return -1
	case errors.As(err, &there) && (stmt.IfNotExists || stmt.OrReplace), errors.As(err, &conflict), errors.As(err, &place) && place.Busy:
		return 10 * time.Second
	case catalog.IsGone(err): // or there is a log without a version
		return 2 * time.Second
	}
	return -1
}

// noteCollations warns that a collation other than by bytes has no effect on a table.
func noteCollations(ctx *sql.Context, stmt *parser.CreateTable) {
	var noted []string
	note := func(name string) {
		name = strings.Trim(strings.ToLower(name), "'\"`")
		if id, err := sql.ParseCollation("", name, false); name == "" || slices.Contains(noted, name) || err == nil && byBytes(id) {
			return
		}
		noted = append(noted, name)
		ctx.Session.Warn(&sql.Warning{Level: "Note", Code: 1105, Message: "text of tables compares by bytes: COLLATE " + name + " has no effect here, only in expressions"})
	}
	note(stmt.Collate)
	for i := range stmt.Columns {
		note(stmt.Columns[i].Type.Collate)
	}
}

func (s *statement) createIn(ctx *sql.Context, stmt *parser.CreateTable, db *catalog.Database) ([]sql.Row, error) {
	loc, exists, err := db.Location(ctx, stmt.Table.Name)
	if err != nil {
		return nil, err
	}
	noteCollations(ctx, stmt)
	switch {
	case exists && stmt.IfNotExists:
		ctx.Warn(1050, "Table '%s' already exists", stmt.Table.Name)
		return okRows(0), nil
	case exists && !stmt.OrReplace:
		return nil, sql.ErrTableAlreadyExists.New(stmt.Table.Name)
	case !exists:
		if err := db.CheckNewName(ctx, stmt.Table.Name); err != nil {
			return nil, err
		}
	}
	if stmt.Location != "" {
		return s.createAt(ctx, stmt, db, loc, exists)
	}
	return s.buildTable(ctx, stmt, loc, exists)
}

// createAt creates a table in a folder of the warehouse that it names, or, without columns, makes a table that is
// there already known under the name.
func (s *statement) createAt(ctx *sql.Context, stmt *parser.CreateTable, db *catalog.Database, loc string, exists bool) ([]sql.Row, error) {
	want, err := s.rt.provider.PathLocation(stmt.Location)
	if err != nil {
		return nil, err
	}
	if want == loc {
		return s.buildTable(ctx, stmt, loc, exists)
	}
	if exists {
		return nil, &LocationError{Table: stmt.Table.String(), Want: want, Is: loc}
	}
	there, err := s.rt.provider.IsTable(ctx, want)
	if err != nil {
		return nil, err
	}
	defined := len(stmt.Columns) > 0 || stmt.AsSelect || stmt.Like != nil
	switch {
	case there && defined:
		return nil, &LocationError{Table: stmt.Table.String(), Want: want, Is: want}
	case !there && !defined:
		return nil, &parser.NoColumnsError{}
	}
	rows := okRows(0)
	if !there {
		if rows, err = s.buildTable(ctx, stmt, want, false); err != nil {
			return nil, err
		}
	}
	return rows, s.rt.provider.Link(ctx, db.BaseName(), stmt.Table.Name, want)
}

// LocationError says that LOCATION names a folder that cannot become the table's: the table is elsewhere already
// (Is), or another table is there (Want = Is).
type LocationError struct{ Table, Want, Is string }

func (e *LocationError) Error() string {
	if e.Want == e.Is {
		return fmt.Sprintf("LOCATION '%s' of table %s has a table already; leave the columns out to use it under this name", e.Want, e.Table)
	}
	return fmt.Sprintf("table %s is at '%s' and cannot be replaced at LOCATION '%s'", e.Table, e.Is, e.Want)
}

func (s *statement) buildTable(ctx *sql.Context, stmt *parser.CreateTable, loc string, exists bool) ([]sql.Row, error) {
	sess, err := catalog.SessionOf(ctx)
	if err != nil {
		return nil, err
	}
	c, err := s.rt.newConverter(ctx)
	if err != nil {
		return nil, err
	}
	var old tableVersion
	sess.Refresh(loc)
	if exists {
		snap, err := sess.Snapshot(ctx, loc)
		if err != nil {
			return nil, err
		}
		old = snap
		c.newest = map[string]*catalog.Table{loc: sess.TableAt(stmt.Table.Name, loc, snap)}
	}
	source, err := s.tableSource(ctx, c, stmt)
	if err != nil {
		return nil, err
	}
	t, err := s.defineTable(ctx, stmt, source, old)
	if err != nil {
		return nil, err
	}
	if !exists {
		if err := s.rt.provider.CheckPlace(ctx, loc); err != nil {
			return nil, err
		}
	}
	store := objstore.Sub(s.rt.provider.Store(), loc)
	adds, rows, err := s.tableData(ctx, c, t, source, store)
	if err != nil {
		return nil, err
	}
	op := "CREATE TABLE"
	if stmt.AsSelect {
		op += " AS SELECT"
	}
	if exists {
		err = s.replaceTable(ctx, sess, loc, t, adds, "CREATE OR REPLACE"+strings.TrimPrefix(op, "CREATE"))
	} else {
		c := txn.Creation{Metadata: t.meta, Protocol: t.proto, Operation: op, Staged: true}
		for i := range adds {
			c.Actions = append(c.Actions, action.Action{Add: &adds[i]})
		}
		err = txn.CreateTable(ctx, store, c, sess.TxnOptions())
	}
	var unknown *txn.UnknownOutcomeError
	if err != nil && !errors.As(err, &unknown) {
		for _, a := range adds {
			_ = store.Delete(context.WithoutCancel(ctx), action.Unescape(a.Path)) // best effort: without a commit nothing refers to it
		}
	}
	if err != nil {
		return nil, err
	}
	sess.Refresh(loc) // to what was made
	return okRows(rows), nil
}

// tableSource is the SELECT of a CREATE TABLE; nil: there is none. It reads the version that c.newest has of a table that is replaced.
func (s *statement) tableSource(ctx *sql.Context, c *converter, stmt *parser.CreateTable) (rel, error) {
	if !stmt.AsSelect {
		return nil, nil
	}
	source, err := c.convert(s.kids[0], nil)
	if err != nil {
		return nil, err
	}
	for _, f := range source.fields() {
		if f.Type.Kind == types.JSON {
			ctx.Session.Warn(&sql.Warning{Level: "Note", Code: 1105, Message: "column " + f.Name + " is stored as text, the JSON of its values"})
		}
	}
	return source, nil
}

// defineTable works out metadata and protocol; old is the version of the table that is replaced, nil for a table that is new.
func (s *statement) defineTable(ctx *sql.Context, stmt *parser.CreateTable, source rel, old tableVersion) (*newTable, error) {
	created := ctx.QueryTime().UnixMilli()
	meta := &action.Metadata{ID: uuid.NewString(), CreatedTime: &created, Format: action.Format{Provider: "parquet"},
		PartitionColumns: []string{}, Configuration: map[string]string{}}
	if stmt.Comment != "" {
		meta.Description = &stmt.Comment
	}
	fields, err := s.tableFields(ctx, stmt, source, meta)
	if err != nil {
		return nil, err
	}
	if err := setProperties(stmt.Properties, fields, meta); err != nil {
		return nil, err
	}
	if len(stmt.PrimaryKey) > 0 {
		meta.Configuration[catalog.PrimaryKeyProperty] = strings.Join(stmt.PrimaryKey, ",")
	}
	for i, ch := range stmt.Checks {
		name := ch.Name
		if name == "" {
			name = fmt.Sprintf("%s_chk_%d", stmt.Table.Name, i+1)
		}
		meta.Configuration["delta.constraints."+strings.ToLower(name)] = parser.CheckText(ch.Expr)
		if err := s.rt.checkNames(ctx, stmt.Table.Name, name, parser.CheckText(ch.Expr), fields); err != nil {
			return nil, err
		}
	}
	if err := checkColumns(stmt, fields, meta); err != nil {
		return nil, err
	}
	before := &action.Protocol{MinReader: 1, MinWriter: 2} // which every engine has known since 2019
	if old != nil {
		before = old.Protocol()
		if err := takeOver(old, meta); err != nil {
			return nil, err
		}
	}
	proto, parsed, err := complete(fields, meta, before)
	if err != nil {
		return nil, err
	}
	return &newTable{meta: meta, proto: proto, schema: parsed}, s.rt.checkDefaults(ctx, parsed, &schema.Struct{})
}

func (s *statement) tableFields(ctx *sql.Context, stmt *parser.CreateTable, source rel, meta *action.Metadata) ([]schema.Field, error) {
	var fields []schema.Field
	if stmt.Like != nil {
		like, err := s.rt.existing(ctx, *stmt.Like)
		if err != nil {
			return nil, err
		}
		from := like.Snapshot().Metadata()
		of, err := schema.Parse(from.SchemaString)
		if err != nil {
			return nil, fmt.Errorf("schema of %s: %w", stmt.Like, err)
		}
		maps.Copy(meta.Configuration, from.Configuration)
		unbind(of.Fields, meta.Configuration)
		if stmt.Comment == "" {
			meta.Description = from.Description
		}
		meta.PartitionColumns = from.PartitionColumns
		return of.Fields, nil
	}
	for _, d := range stmt.Columns {
		f, err := columnField(d, meta)
		if err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	if source == nil || len(fields) > 0 {
		return fields, nil
	}
	for _, f := range source.fields() {
		fields = append(fields, selectField(f))
	}
	return fields, nil
}

// checkColumns verifies names, partition columns and the key.
func checkColumns(stmt *parser.CreateTable, fields []schema.Field, meta *action.Metadata) error {
	if len(fields) == 0 {
		return &parser.NoColumnsError{}
	}
	seen := map[string]string{}
	for _, f := range fields {
		if _, dup := seen[strings.ToLower(f.Name)]; dup {
			return sql.ErrDuplicateColumn.New(f.Name)
		}
		seen[strings.ToLower(f.Name)] = f.Name
	}
	for _, p := range stmt.PartitionedBy {
		name, ok := seen[strings.ToLower(p)]
		if !ok {
			return sql.ErrTableColumnNotFound.New(stmt.Table.Name, p)
		}
		meta.PartitionColumns = append(meta.PartitionColumns, name)
	}
	if len(meta.PartitionColumns) >= len(fields) {
		return &UnsupportedError{What: "a table in which every column is a partition column"}
	}
	for _, k := range stmt.PrimaryKey {
		if _, ok := seen[strings.ToLower(k)]; !ok {
			return sql.ErrTableColumnNotFound.New(stmt.Table.Name, k)
		}
	}
	return nil
}

// tableData writes the rows of AS SELECT.
func (s *statement) tableData(ctx *sql.Context, c *converter, t *newTable, source rel, store objstore.Store) ([]action.Add, int64, error) {
	if source == nil {
		return nil, 0, nil
	}
	in := source.fields()
	if len(in) != len(t.schema.Fields) {
		return nil, 0, &ColumnCountError{Row: 1}
	}
	w, err := write.NewWriter(ctx, write.TableSpec{Store: store, Schema: t.schema, Metadata: t.meta, Protocol: t.proto, KeyColumns: splitKey(t.meta)}, write.Options{})
	if err != nil {
		return nil, 0, err
	}
	p := &projectRel{input: source}
	for i, f := range t.schema.Fields {
		et := schema.EngineType(f.Type)
		p.exprs = append(p.exprs, storeField(columnOf(in, i), &f, et))
		p.out = append(p.out, exec.Field{Name: f.Name, Type: et, Nullable: true})
	}
	var n int64
	err = s.rt.run(ctx, c, p, func(b *vector.Batch) error {
		n += int64(b.Rows())
		return staged(store, w.Write(ctx, b))
	})
	if err != nil {
		_ = w.Abort(context.WithoutCancel(ctx)) // the error that made it fail is the one to report
		return nil, 0, err
	}
	adds, err := w.Close(ctx)
	return adds, n, staged(store, err)
}

// staged makes a conflict of a write that failed as the folder was dropped under it.
func staged(store objstore.Store, err error) error {
	if errors.Is(err, objstore.ErrNotFound) {
		return fmt.Errorf("%w: %w", &txn.ConflictError{Table: store.URL(), Kind: txn.LogTruncated}, err)
	}
	return err
}

func splitKey(meta *action.Metadata) []string {
	if v := meta.Configuration[catalog.PrimaryKeyProperty]; v != "" {
		return strings.Split(v, ",")
	}
	return nil
}

func (s *statement) dropTable(ctx *sql.Context, stmt *parser.DropTable) ([]sql.Row, error) {
	var missing []string
	var drops []func() error
	for _, name := range stmt.Tables {
		db, err := s.rt.database(ctx, name)
		if err != nil {
			return nil, err
		}
		if stmt.View {
			_, exists, err := db.GetViewDefinition(ctx, name.Name)
			if err != nil {
				return nil, err
			}
			if !exists {
				missing = append(missing, db.BaseName()+"."+name.Name)
				continue
			}
			drops = append(drops, func() error { return db.DropView(ctx, name.Name) })
			continue
		}
		loc, exists, err := db.Location(ctx, name.Name)
		if err != nil {
			return nil, err
		}
		if !exists {
			missing = append(missing, db.BaseName()+"."+name.Name)
			continue
		}
		drops = append(drops, func() error {
			linked, err := s.rt.provider.Unlink(ctx, db.BaseName(), name.Name)
			if linked || err != nil {
				return err
			}
			return s.rt.provider.DropTable(ctx, loc)
		})
	}
	sort.Strings(missing)
	if len(missing) > 0 && !stmt.IfExists {
		return nil, sql.ErrUnknownTable.New(strings.Join(missing, ","))
	}
	for _, drop := range drops {
		if err := drop(); err != nil {
			return nil, err
		}
	}
	for _, m := range missing {
		ctx.Session.Warn(&sql.Warning{Level: "Note", Code: 1051, Message: fmt.Sprintf("Unknown table '%s'", m)})
	}
	return okRows(0), nil
}
