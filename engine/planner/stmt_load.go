package planner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/types"
)

// ServerFileError says that a statement would read or write a file of the server's machine that it may not.
type ServerFileError struct{ Path, Folder string }

func (e *ServerFileError) Error() string {
	if e.Folder != "" {
		return fmt.Sprintf("statements read files of the server in %s alone (--file-dir, which is MySQL's --secure-file-priv), and write none: '%s'", e.Folder, e.Path)
	}
	return fmt.Sprintf("no statement reads or writes files of the server (--secure-file-priv): '%s'; LOAD DATA LOCAL sends one of the client's", e.Path)
}

// LoadError says that LOAD DATA cannot have its file, or that a line is no row.
type LoadError struct {
	Path string
	Err  error
	Line bool // a line is no row
}

func (e *LoadError) Error() string { return "LOAD DATA '" + e.Path + "': " + e.Err.Error() }

// Unwrap returns the cause.
func (e *LoadError) Unwrap() error { return e.Err }

// openLoad begins to take the client's file, or opens the server's.
func (rt *Runtime) openLoad(ctx *sql.Context, f *parser.LoadFile) (*loadedFile, error) {
	if !f.Local {
		file, err := rt.serverFile(f.Path)
		return &loadedFile{path: f.Path, file: file}, err
	}
	if _, on, ok := sql.SystemVariables.GetGlobal("local_infile"); !ok || on == int8(0) {
		return nil, &LocalFileError{}
	}
	in, err := ctx.LoadInfile(f.Path)
	if err != nil {
		return nil, &LoadError{Path: f.Path, Err: err}
	}
	return &loadedFile{path: f.Path, sent: receive(in, rt.opts.TempDir)}, nil
}

// LocalFileError says that LOAD DATA LOCAL is switched off.
type LocalFileError struct{}

func (*LocalFileError) Error() string {
	return "Loading local data is disabled; this must be enabled on both the client and server sides (SET GLOBAL local_infile = 1)"
}

// serverFile opens a file below the folder that the configuration names.
func (rt *Runtime) serverFile(path string) (*os.File, error) {
	dir := rt.opts.FileDir
	denied := &ServerFileError{Path: path, Folder: dir}
	if dir == "" {
		return nil, denied
	}
	name := path
	if filepath.IsAbs(path) {
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return nil, denied
		}
		name = rel
	}
	if !filepath.IsLocal(name) {
		return nil, denied
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &LoadError{Path: path, Err: err}
	}
	defer func() { _ = root.Close() }()
	f, err := root.Open(name) // follows no link out of the folder
	if err != nil {
		return nil, &LoadError{Path: path, Err: err}
	}
	return f, nil
}

// loadInfo is what MySQL tells of LOAD DATA.
type loadInfo struct{ records, deleted, skipped, warnings int64 }

func (i loadInfo) String() string {
	return fmt.Sprintf("Records: %d  Deleted: %d  Skipped: %d  Warnings: %d", i.records, i.deleted, i.skipped, i.warnings)
}

// writeLoad is write for LOAD DATA.
func (s *statement) writeLoad(ctx *sql.Context, ins *parser.Insert) ([]sql.Row, error) {
	file, err := s.rt.openLoad(ctx, ins.File)
	if err != nil {
		return nil, err
	}
	defer file.close()
	run := *s
	run.file = file
	res, err := run.writeUntilDone(ctx)
	if err != nil {
		return nil, err
	}
	return run.done(ctx, res), nil
}

// loadSource brings the lines of the file into the table's column order and types.
func (w *writing) loadSource(stmt *parser.Insert) (rel, error) {
	f := stmt.File
	names := f.Fields
	if names == nil {
		for _, c := range w.fields {
			names = append(names, c.Name)
		}
	}
	file := &fileRel{name: "of " + f.Path, open: func(ctx context.Context) (exec.Sections, error) { return w.openLines(ctx, f) }}
	for i := range names {
		file.out = append(file.out, exec.Field{Name: fmt.Sprintf("f%d", i), Type: types.Of(types.String), Nullable: true})
	}
	file.out = append(file.out, exec.Field{Name: "fields", Type: types.Of(types.Int64)})
	w.c.rowIDsFor, w.c.file = nil, file
	src := &projectRel{input: file}
	if len(f.Set) > 0 {
		r, err := w.c.convert(w.s.kids[0], nil)
		if err != nil {
			return nil, err
		}
		p, ok := r.(*projectRel)
		if !ok {
			return nil, &UnsupportedError{What: "this SET of LOAD DATA"}
		}
		src = p
		file.serial = p.input != rel(file) // other operators may join the rows to others, in any order
	}
	given, err := w.loadedColumns(names, file.out)
	if err != nil {
		return nil, err
	}
	if err := w.setColumns(f.Set, src.exprs, given); err != nil {
		return nil, err
	}
	out := &projectRel{input: src.input, out: w.fields}
	for i := range w.fields {
		if given[i] == nil {
			if given[i], err = w.defaultOf(i); err != nil {
				return nil, err
			}
		}
		out.exprs = append(out.exprs, given[i])
	}
	return out, nil
}

// loadedColumns are the values of the columns that fields are for. Where a line ends before, a column has its default.
func (w *writing) loadedColumns(names []string, in []exec.Field) ([]expr.Expr, error) {
	given := make([]expr.Expr, len(w.fields))
	for i, name := range names {
		if name == "" {
			continue
		}
		at, err := w.position(name)
		if err != nil {
			return nil, err
		}
		if given[at] != nil {
			return nil, &ColumnTwiceError{name}
		}
		if given[at], err = w.stored(columnOf(in, i), at); err != nil {
			return nil, err
		}
		if _, has := w.tbl.Snapshot().Schema().Fields[at].Default(); !has {
			continue
		}
		otherwise, err := w.defaultOf(at)
		if err != nil {
			return nil, err
		}
		there, err := expr.New(">", columnOf(in, len(in)-1), &expr.Literal{Val: types.IntValue(types.Of(types.Int64), int64(i))})
		if err != nil {
			return nil, err
		}
		if given[at], err = expr.New("if", there, given[at], otherwise); err != nil {
			return nil, err
		}
	}
	return given, nil
}

// setColumns adds what SET assigns.
func (w *writing) setColumns(set []parser.Assignment, values, given []expr.Expr) error {
	for _, a := range set {
		at, err := w.position(a.Column)
		if err != nil {
			return err
		}
		if a.Default {
			given[at], err = w.defaultOf(at)
		} else {
			given[at], err = w.stored(values[a.Expr], at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// FieldCountError says that a line has too few fields (code 1261) or too many (1262).
type FieldCountError struct {
	Code    int
	Message string
}

func (e *FieldCountError) Error() string { return e.Message }
