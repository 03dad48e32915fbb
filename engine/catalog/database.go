package catalog

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/engine/accounts"
	"github.com/featuresql/featuresql/engine/parser"
)

// AsOfVariable is the session variable under which every read of the session happens as of a version or time.
const AsOfVariable = "featuresql_as_of"

// Database is a folder of tables, possibly as of a time.
type Database struct {
	provider *Provider
	name     string
	shown    string // "db@time" where it was named so
	asOf     *parser.AsOf
	byPath   bool
}

var (
	_ sql.VersionedDatabase = (*Database)(nil)
	_ sql.ViewDatabase      = (*Database)(nil)
)

// Name implements sql.Database.
func (d *Database) Name() string {
	if d.shown != "" {
		return d.shown
	}
	return d.name
}

// BaseName is the name without "@time".
func (d *Database) BaseName() string { return d.name }

// AsOf is the time of `db@time`, or nil.
func (d *Database) AsOf() *parser.AsOf { return d.asOf }

// GetTableInsensitive implements sql.Database.
func (d *Database) GetTableInsensitive(ctx *sql.Context, name string) (sql.Table, bool, error) {
	if d.asOf != nil {
		return d.tableAsOf(ctx, name, *d.asOf)
	}
	asOf, set, err := sessionAsOf(ctx)
	if err != nil {
		return nil, false, err
	}
	if set {
		return d.tableAsOf(ctx, name, asOf)
	}
	loc, found, err := d.find(ctx, name)
	if err != nil || !found {
		return nil, false, err
	}
	s, err := SessionOf(ctx)
	if err != nil {
		return nil, false, err
	}
	snap, err := s.Snapshot(ctx, loc)
	if err != nil {
		return nil, false, absent(err)
	}
	return newTable(d, tableName(loc, name, d.byPath), loc, snap, false), true, nil
}

// absent hides a table that vanished between listing and opening, and keeps every other error.
func absent(err error) error {
	if IsGone(err) {
		return nil
	}
	return err
}

// IsGone reports whether an error says that there is no table, at a place where somebody saw one.
func IsGone(err error) bool {
	var gone *delta.NotATableError
	return errors.As(err, &gone)
}

// tableName is the name as the warehouse spells it; a linked table is called as it was asked for.
func tableName(loc, name string, byPath bool) string {
	if last := loc[strings.LastIndexByte(loc, '/')+1:]; !byPath && strings.EqualFold(last, name) {
		return last
	}
	return name
}

// Locate returns the location of a table in the warehouse, whatever its state, and whether there is one.
func (d *Database) Locate(ctx *sql.Context, name string) (loc string, found bool, err error) {
	return d.find(ctx, name)
}

// find returns the location of a table by its name, exact or, failing that, case-insensitive.
func (d *Database) find(ctx *sql.Context, name string) (string, bool, error) {
	if d.byPath {
		loc, err := d.provider.PathLocation(name)
		if err != nil {
			return "", false, err
		}
		ok, err := d.provider.isTable(ctx, loc)
		return loc, ok, err
	}
	if checkName("table", name) != nil {
		return "", false, nil
	}
	loc := location(d.name, name)
	if ok, err := d.provider.isTable(ctx, loc); ok || err != nil {
		return loc, ok, err
	}
	if l, ok, err := d.provider.linked(ctx, linkKey(d.name, name)); ok || err != nil {
		if err == nil {
			ok, err = d.provider.isTable(ctx, l.Location)
		}
		if ok || err != nil {
			return l.Location, ok, err
		}
	}
	names, err := d.provider.folders(ctx, d.name)
	if err != nil {
		return "", false, err
	}
	found, ok, err := findName(names, name)
	return location(d.name, found), ok, err
}

// Location returns where a table of the database lies or would lie.
func (d *Database) Location(ctx *sql.Context, name string) (loc string, exists bool, err error) {
	if d.asOf != nil {
		return "", false, &NameError{"database", d.Name(), "is a database as of a time and cannot be written"}
	}
	loc, exists, err = d.find(ctx, name)
	if err != nil || exists {
		return loc, exists, err
	}
	if d.byPath {
		return loc, false, nil
	}
	return location(d.name, name), false, checkName("table", name)
}

// GetTableNames implements sql.Database.
func (d *Database) GetTableNames(ctx *sql.Context) ([]string, error) {
	if d.byPath {
		return nil, nil
	}
	names, err := d.provider.folders(ctx, d.name)
	if err != nil {
		return nil, err
	}
	links, err := d.provider.links(ctx, d.name)
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		names = append(names, l.Name)
	}
	if access := visible(ctx); access != nil {
		names = slices.DeleteFunc(names, func(n string) bool { return !access.Sees(accounts.Place{Database: d.name, Table: n}) })
	}
	sort.Strings(names)
	return names, nil
}

// GetTableInsensitiveAsOf implements sql.VersionedDatabase; asOf comes from the parser's expression.
func (d *Database) GetTableInsensitiveAsOf(ctx *sql.Context, name string, asOf any) (sql.Table, bool, error) {
	at, err := parser.DecodeAsOf(asOf)
	if err != nil {
		return nil, false, err
	}
	return d.tableAsOf(ctx, name, at)
}

// GetTableNamesAsOf implements sql.VersionedDatabase.
func (d *Database) GetTableNamesAsOf(ctx *sql.Context, _ any) ([]string, error) {
	return d.GetTableNames(ctx)
}

func (d *Database) tableAsOf(ctx *sql.Context, name string, at parser.AsOf) (sql.Table, bool, error) {
	loc, found, err := d.find(ctx, name)
	if err != nil || !found {
		return nil, false, err
	}
	if at.Newest {
		s, err := SessionOf(ctx)
		if err != nil {
			return nil, false, err
		}
		snap, err := s.Snapshot(ctx, loc)
		if err != nil {
			return nil, false, err
		}
		return newTable(d, tableName(loc, name, d.byPath), loc, snap, true), true, nil
	}
	t, err := d.provider.OpenTable(ctx, loc)
	if err != nil {
		return nil, false, absent(err)
	}
	v := delta.Version(at.Version)
	if !at.IsVersion {
		if v, err = t.VersionAtTime(ctx, at.Time); err != nil {
			return nil, false, fmt.Errorf("table %s: %w", name, err)
		}
	}
	snap, err := t.SnapshotAt(ctx, v)
	if err != nil {
		return nil, false, fmt.Errorf("table %s: %w", name, err)
	}
	if s, ok := ctx.Session.(*Session); ok {
		s.note(loc, v)
	}
	return newTable(d, tableName(loc, name, d.byPath), loc, snap, true), true, nil
}

// sessionAsOf reads @@featuresql_as_of; empty means the newest.
func sessionAsOf(ctx *sql.Context) (parser.AsOf, bool, error) {
	v, err := ctx.Session.GetSessionVariable(ctx, AsOfVariable)
	if err != nil {
		return parser.AsOf{}, false, err
	}
	text, _ := v.(string)
	if strings.TrimSpace(text) == "" {
		return parser.AsOf{}, false, nil
	}
	asOf, err := parseAsOf(ctx, text)
	return asOf, true, err
}

// parseAsOf reads "v3", "3", a timestamp in the session's zone, or yyyyMMddHHmmssSSS.
func parseAsOf(ctx *sql.Context, text string) (parser.AsOf, error) {
	text = strings.TrimSpace(text)
	digits := strings.TrimPrefix(strings.TrimPrefix(text, "v"), "V")
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil && (len(digits) < 14 || digits != text) {
		return parser.AsOf{IsVersion: true, Version: n}, nil
	}
	loc, err := SessionLocation(ctx)
	if err != nil {
		return parser.AsOf{}, err
	}
	t, err := parser.ParseTime(text, loc)
	if err != nil {
		return parser.AsOf{}, err
	}
	return parser.AsOf{Time: t}, nil
}

// SessionLocation returns the zone of @@time_zone.
func SessionLocation(ctx *sql.Context) (*time.Location, error) { return parser.SessionZone(ctx) }
