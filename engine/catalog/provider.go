package catalog

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine/accounts"
	"github.com/featuresql/featuresql/engine/lru"
)

// DefaultDatabase holds the tables that lie directly under the warehouse.
const DefaultDatabase = "default"

// PathDatabase is the database of delta.`path`: its tables are named by their path.
const PathDatabase = "delta"

// SystemDatabase holds featuresql's own tables (views, and later training sets, expectations, users).
const SystemDatabase = "featuresql"

// databaseMarker keeps an empty database alive in a store without folders.
const databaseMarker = "_featuresql_database"

// Provider is the warehouse: the host's database provider. Safe for concurrent use.
type Provider struct {
	store objstore.Store
	root  string // the local folder of the warehouse; empty for an object store
	cache *scan.Cache

	noSkipping bool

	accounts *accounts.Store
	locks    *Locks
	system   sql.Database

	tables *lru.Cache[string, *delta.Table] // by location under the warehouse
	onWarn func(table string, warning error)

	shown sync.Map // of *Session, by connection
}

// NewProvider returns the provider of the warehouse in store. root is its local folder, if it has one;
// onWarn hears of tables whose log is damaged but readable.
func NewProvider(store objstore.Store, root string, cache *scan.Cache, onWarn func(string, error)) *Provider {
	age := time.Duration(0)
	if root == "" {
		age = accountsAge
	}
	return &Provider{store: store, root: root, cache: cache, tables: lru.New[string](maxTables, tableWeight), onWarn: onWarn, locks: NewLocks(), accounts: accounts.NewStore(store, age)}
}

// maxTables bounds the tables that are kept open with the lists of their files; tableWeight counts a table for one more with every 1000 files.
const maxTables = 8192

func tableWeight(t *delta.Table) int { return 1 + t.FileCount()/1000 }

// accountsAge is for how long a change of the accounts by another server may go unnoticed where the warehouse is an
// object store. In a folder every statement looks.
const accountsAge = time.Second

// SetSystem adds a database that is not in the warehouse, and that everybody may read. SHOW DATABASES does not list it.
func (p *Provider) SetSystem(db sql.Database) { p.system = db }

// SetNoSkipping has queries read everything, for tests.
func (p *Provider) SetNoSkipping(on bool) { p.noSkipping = on }

// Accounts is where the accounts of the warehouse are kept.
func (p *Provider) Accounts() *accounts.Store { return p.accounts }

// Store returns the warehouse's store.
func (p *Provider) Store() objstore.Store { return p.store }

// Cache returns the cache that scans share.
func (p *Provider) Cache() *scan.Cache { return p.cache }

// Database implements sql.DatabaseProvider. `db@2026-01-01` is a database as of then.
func (p *Provider) Database(ctx *sql.Context, name string) (sql.Database, error) {
	if db := p.system; db != nil && strings.EqualFold(name, db.Name()) {
		return db, nil
	}
	base, at, timed := strings.Cut(name, "@")
	if strings.EqualFold(base, PathDatabase) && !timed {
		return &Database{provider: p, name: PathDatabase, byPath: true}, nil
	}
	found, ok, err := p.findDatabase(ctx, base)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, sql.ErrDatabaseNotFound.New(name)
	}
	db := &Database{provider: p, name: found}
	if timed {
		asOf, err := parseAsOf(ctx, at)
		if err != nil {
			return nil, err
		}
		db.shown, db.asOf = found+"@"+at, &asOf
	}
	return db, nil
}

// HasDatabase implements sql.DatabaseProvider.
func (p *Provider) HasDatabase(ctx *sql.Context, name string) bool {
	_, err := p.Database(ctx, name)
	return err == nil
}

// AllDatabases implements sql.DatabaseProvider.
func (p *Provider) AllDatabases(ctx *sql.Context) []sql.Database {
	names, err := p.databaseNames(ctx)
	if err != nil {
		ctx.GetLogger().WithError(err).Warn("cannot list the warehouse")
		names = []string{DefaultDatabase}
	}
	var out []sql.Database
	access := visible(ctx)
	for _, n := range names {
		if access == nil || access.Sees(accounts.Place{Database: n}) || access.Has(accounts.ShowDatabases, accounts.Place{}) {
			out = append(out, &Database{provider: p, name: n})
		}
	}
	return out
}

// CreateDatabase implements sql.MutableDatabaseProvider.
func (p *Provider) CreateDatabase(ctx *sql.Context, name string) error {
	if err := errors.Join(commitBefore(ctx), p.checkNewDatabase(ctx, name)); err != nil {
		return err
	}
	err := p.store.PutIfAbsent(ctx, name+"/"+databaseMarker, []byte("{}\n"))
	if errors.Is(err, objstore.ErrAlreadyExists) {
		return sql.ErrDatabaseExists.New(name)
	}
	return err
}

// ForeignFilesError says that a database cannot be dropped, since its folder holds what belongs to none of its tables.
type ForeignFilesError struct {
	Database, First string // First is one of the objects
	Count           int
}

func (e *ForeignFilesError) Error() string {
	more := ""
	if e.Count > 1 {
		more = fmt.Sprintf(" and %d others", e.Count-1)
	}
	return fmt.Sprintf("Error dropping database (can't rmdir './%s', Directory not empty): it holds '%s'%s, of no table; nothing was dropped; remove that first, or drop the tables one by one",
		e.Database, e.First, more)
}

// foreign says what the folder of a database holds besides its tables, views and links.
func (p *Provider) foreign(ctx context.Context, db string, tables []string) error {
	e := &ForeignFilesError{Database: db}
	prefix := db + "/"
	for after, more := "", true; more; {
		more = false
		for obj, err := range p.store.List(ctx, prefix, after) {
			if err != nil {
				return err
			}
			name, _, nested := strings.Cut(strings.TrimPrefix(obj.Key, prefix), "/")
			if nested && slices.Contains(tables, name) {
				after, more = prefix+name+"/\xff", true
				break
			}
			if nested && (name == "_views" || name == "_links") || name == databaseMarker {
				continue
			}
			if e.Count++; e.First == "" {
				e.First = obj.Key
			}
		}
	}
	if e.Count > 0 {
		return e
	}
	return nil
}

// DropDatabase implements sql.MutableDatabaseProvider: it deletes the tables, views and links of the database and its
// marker. If there is anything else in its folder, it does nothing: *ForeignFilesError.
func (p *Provider) DropDatabase(ctx *sql.Context, name string) error {
	if strings.EqualFold(name, DefaultDatabase) || strings.EqualFold(name, SystemDatabase) {
		return fmt.Errorf("database %s cannot be dropped", name)
	}
	if err := commitBefore(ctx); err != nil {
		return err
	}
	found, ok, err := p.findDatabase(ctx, name)
	if err != nil || !ok {
		return errors.Join(err, sql.ErrDatabaseNotFound.New(name))
	}
	tables, err := p.folders(ctx, found)
	if err != nil {
		return err
	}
	if err := p.foreign(ctx, found, tables); err != nil {
		return err
	}
	for _, t := range tables {
		if err := p.DropTable(ctx, location(found, t)); err != nil {
			return err
		}
	}
	for _, prefix := range []string{found + "/_views/", linkPrefix(found)} {
		keys, err := p.keysBelow(ctx, prefix)
		if err := errors.Join(err, p.deleteAll(ctx, keys)); err != nil {
			return err
		}
	}
	return p.store.Delete(ctx, found+"/"+databaseMarker)
}

// DropTable deletes the table at loc. Where the store has folders it is gone at once. Elsewhere its log goes first, oldest entry first, so
// that a reader meanwhile gets an error and never an older version; then its data. What others put there meanwhile stays: it may be of a new table, and
// a writer whose table was dropped takes its files back. A folder that holds another table is not touched: *PlaceError.
func (p *Provider) DropTable(ctx context.Context, loc string) error {
	keys, err := p.keysBelow(ctx, loc+"/")
	if err != nil {
		return fmt.Errorf("drop %s: %w", loc, err)
	}
	var logged, data []string
	for _, key := range keys {
		switch i := strings.LastIndex(key, "/_delta_log/"); {
		case i > len(loc):
			return &PlaceError{Location: loc, Reason: fmt.Sprintf("holds another table, '%s'; drop that first", key[:i])}
		case i == len(loc):
			logged = append(logged, key)
		default:
			data = append(data, key)
		}
	}
	p.Forget(loc)
	err = objstore.DropFolder(ctx, p.store, loc)
	if errors.Is(err, errors.ErrUnsupported) {
		err = p.deleteAll(ctx, append(logged, data...))
	}
	if err != nil {
		return fmt.Errorf("drop %s: %w", loc, err)
	}
	return nil
}

// hostDatabase is what the host looks for at the beginning of every statement. It is not worth a walk through the warehouse for a folder
// whose name has other capitals.
const hostDatabase = "mysql"

func (p *Provider) findDatabase(ctx context.Context, name string) (string, bool, error) {
	if strings.EqualFold(name, DefaultDatabase) {
		return DefaultDatabase, true, nil
	}
	if checkName("database", name) != nil {
		return "", false, nil
	}
	if found, err := p.isDatabase(ctx, name); found || err != nil || name == hostDatabase {
		return name, found, err
	}
	names, err := p.databaseNames(ctx)
	if err != nil {
		return "", false, err
	}
	return findName(names, name)
}

// isDatabase looks for the marker, or else for any object, below the folder of exactly this name, which must not be a table's.
func (p *Provider) isDatabase(ctx context.Context, name string) (bool, error) {
	found := true
	_, err := p.store.Head(ctx, name+"/"+databaseMarker)
	if errors.Is(err, objstore.ErrNotFound) {
		found, err = p.hasAny(ctx, name+"/")
	}
	if err != nil || !found {
		return false, err
	}
	table, err := p.hasLog(ctx, name)
	return !table, err
}

// findName prefers an exact match, as MySQL on a case-sensitive file system, and falls back to a case-insensitive one.
func findName(names []string, name string) (string, bool, error) {
	for _, n := range names {
		if n == name {
			return n, true, nil
		}
	}
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return n, true, nil
		}
	}
	return "", false, nil
}

// databaseNames lists the folders of the warehouse that hold tables or a marker, and the default database.
func (p *Provider) databaseNames(ctx context.Context) ([]string, error) {
	kids, err := p.children(ctx, "")
	if err != nil {
		return nil, err
	}
	names := []string{DefaultDatabase}
	for _, k := range kids {
		table, err := p.hasLog(ctx, k)
		if err != nil {
			return nil, err
		}
		if !table && k != DefaultDatabase {
			names = append(names, k)
		}
	}
	sort.Strings(names)
	return names, nil
}

// folders lists the tables whose folder is their name's.
func (p *Provider) folders(ctx context.Context, db string) ([]string, error) {
	prefix := db + "/"
	if db == DefaultDatabase {
		prefix = ""
	}
	kids, err := p.children(ctx, prefix)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, k := range kids {
		table, err := p.isTable(ctx, prefix+k)
		if err != nil {
			return nil, err
		}
		if table {
			names = append(names, k)
		}
	}
	return names, nil
}

// children lists the names below prefix that have objects below them, jumping from one to the next.
func (p *Provider) children(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	after := ""
	for {
		name, err := p.nextChild(ctx, prefix, after)
		if err != nil || name == "" {
			return names, err
		}
		if !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
		after = prefix + name + "/\xff"
	}
}

func (p *Provider) nextChild(ctx context.Context, prefix, after string) (string, error) {
	for obj, err := range p.store.List(ctx, prefix, after) {
		if err != nil {
			return "", err
		}
		if name, _, nested := strings.Cut(strings.TrimPrefix(obj.Key, prefix), "/"); nested {
			return name, nil
		}
	}
	return "", nil
}

// IsTable reports whether there is a table at loc.
func (p *Provider) IsTable(ctx context.Context, loc string) (bool, error) { return p.isTable(ctx, loc) }

func (p *Provider) isTable(ctx context.Context, loc string) (bool, error) {
	if t, ok := p.tables.Get(loc); ok {
		if there, err := t.Exists(ctx); there || err != nil {
			return there, err
		}
	}
	prefix := loc + "/_delta_log/"
	for obj, err := range p.store.List(ctx, prefix, prefix+"0") { // versions have leading zeros
		if err != nil || strings.TrimPrefix(obj.Key, prefix) > "9" {
			return false, err
		}
		if log.IsVersioned(strings.TrimPrefix(obj.Key, loc+"/")) {
			return true, nil
		}
	}
	return false, nil
}

// hasLog reports whether loc has the folder of a table's log, if only with rubbish in it: such a folder is no database.
func (p *Provider) hasLog(ctx context.Context, loc string) (bool, error) {
	return p.hasAny(ctx, loc+"/_delta_log/")
}

func (p *Provider) hasAny(ctx context.Context, prefix string) (bool, error) {
	for _, err := range p.store.List(ctx, prefix, "") {
		return err == nil, err
	}
	return false, nil
}

// OpenTable returns the table at loc, or a *delta.NotATableError.
func (p *Provider) OpenTable(ctx context.Context, loc string) (*delta.Table, error) {
	if t, ok := p.tables.Get(loc); ok {
		return t, nil
	}
	opts := delta.Options{OnWarning: func(w error) { p.onWarn(loc, w) }, OpenExternal: delta.Within(p.store), OnRemoved: p.cache.Forget}
	t, err := delta.Open(ctx, objstore.Sub(p.store, loc), opts)
	if err != nil {
		return nil, err
	}
	return p.tables.GetOrAdd(loc, t), nil
}

// Forget drops what is cached of the table at loc.
func (p *Provider) Forget(loc string) { p.tables.Delete(loc) }

// Location returns where a table lies by its name, unless it was created with a LOCATION.
func Location(db, table string) string { return location(db, table) }

func location(db, table string) string {
	if db == DefaultDatabase {
		return table
	}
	return db + "/" + table
}

// NameError says that a name or path cannot be used for a database or table.
type NameError struct{ Kind, Name, Reason string }

func (e *NameError) Error() string {
	return fmt.Sprintf("%s name %q: %s", e.Kind, e.Name, e.Reason)
}

func checkName(kind, name string) error {
	switch {
	case name == "" || len(name) > 255:
		return &NameError{kind, name, "must have 1 to 255 bytes"}
	case strings.ContainsAny(name, "/\\\x00@") || name == "." || name == "..":
		return &NameError{kind, name, "must not contain a slash, a backslash, an at sign or a zero byte"}
	case strings.HasPrefix(name, "_") || strings.HasPrefix(name, "."):
		return &NameError{kind, name, "must not begin with an underscore or a dot, which hide a folder"}
	}
	return nil
}

// PathLocation turns a path given by a user (delta.`path`, LOCATION) into a location under the warehouse.
func (p *Provider) PathLocation(path string) (string, error) {
	clean := strings.TrimPrefix(path, "file://")
	if rest, ok := strings.CutPrefix(clean, "file:"); ok {
		clean = rest
	}
	if filepath.IsAbs(clean) {
		rel, err := filepath.Rel(p.root, clean)
		if p.root == "" || err != nil || rel == "." || rel == ".." || strings.HasPrefix(rel, "../") {
			return "", &NameError{"path", path, "lies outside of the warehouse"}
		}
		clean = rel
	}
	clean = filepath.ToSlash(filepath.Clean(clean))
	if clean == "." || clean == ".." || strings.HasPrefix(clean, "../") || strings.Contains(clean, "\x00") {
		return "", &NameError{"path", path, "lies outside of the warehouse"}
	}
	return clean, nil
}
