package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/peterh/liner"

	"github.com/featuresql/featuresql/engine"
	"github.com/featuresql/featuresql/engine/mysqlerr"
	"github.com/featuresql/featuresql/engine/parser"
)

type sqlCmd struct {
	engineFlags
	Execute  string `short:"e" help:"Run this SQL and end." placeholder:"SQL"`
	Format   string `help:"Form of the results: table, csv or json (one object a line)." enum:"table,csv,json" default:"table"`
	Database string `short:"D" help:"Current database." default:"default"`
}

// message is an error as a user sees it: MySQL's code, state and text.
func message(err error) string {
	if e := mysqlerr.From(err); e != nil {
		return fmt.Sprintf("ERROR %d (%s): %s", e.Num, e.State, e.Message)
	}
	return err.Error()
}

// Run executes the given SQL, standard input, or what is typed.
func (c sqlCmd) Run(ctx context.Context) error {
	e, err := c.open(ctx, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }()
	s := e.Session(c.Database)
	if c.Database != "default" { // which the first CREATE TABLE makes
		if _, err := s.Query(ctx, "USE `"+strings.ReplaceAll(c.Database, "`", "``")+"`"); err != nil {
			return err
		}
	}
	if c.Execute != "" {
		return c.script(ctx, s, strings.NewReader(c.Execute))
	}
	if stat, err := os.Stdin.Stat(); err == nil && stat.Mode()&os.ModeCharDevice == 0 {
		return c.script(ctx, s, os.Stdin)
	}
	return c.repl(ctx, s)
}

// script runs statements up to the first that fails.
func (c sqlCmd) script(ctx context.Context, s *engine.Session, r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for _, stmt := range parser.Split(string(text)) {
		if err := c.run(ctx, s, stmt); err != nil {
			return err
		}
	}
	return nil
}

// repl reads statements of any number of lines, each ended by a semicolon, with history.
func (c sqlCmd) repl(ctx context.Context, s *engine.Session) error {
	line := liner.NewLiner()
	defer func() { _ = line.Close() }()
	line.SetCtrlCAborts(true)
	history := historyFile()
	if f, err := os.Open(history); err == nil {
		_, _ = line.ReadHistory(f)
		_ = f.Close()
	}
	defer saveHistory(line, history)
	fmt.Println("featuresql", engine.Version, "on", c.Warehouse, "- end statements with ; - \\h for help, \\q to leave")
	var pending strings.Builder
	for {
		prompt := "featuresql> "
		if pending.Len() > 0 {
			prompt = "         -> "
		}
		text, err := line.Prompt(prompt)
		switch {
		case errors.Is(err, liner.ErrPromptAborted):
			pending.Reset()
			continue
		case err != nil: // end of input
			fmt.Println()
			return nil
		}
		if strings.TrimSpace(text) != "" {
			line.AppendHistory(text) // line by line and as it was typed: joined lines may mean something else
		}
		if pending.Len() == 0 {
			if is, leave := command(text); leave {
				return nil
			} else if is {
				continue
			}
		}
		pending.WriteString(text + "\n")
		if !parser.Complete(pending.String()) {
			continue
		}
		whole := strings.TrimSpace(pending.String())
		pending.Reset()
		c.typed(ctx, s, whole)
	}
}

// typed runs what was typed; Ctrl-C ends the statement, not the session.
func (c sqlCmd) typed(ctx context.Context, s *engine.Session, text string) {
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), os.Interrupt)
	defer stop()
	for _, stmt := range parser.Split(text) {
		if err := c.run(ctx, s, stmt); err != nil {
			fmt.Println(message(err))
			return
		}
	}
}

const replHelp = `Statements end with ; and may take several lines. Ctrl-C ends a running statement or drops a half-typed one.
  \q  leave      \h  this help      USE db;  SHOW TABLES;  DESCRIBE t;  DESCRIBE HISTORY t;  EXPLAIN SELECT …;`

// command runs a line that is no SQL; leave is true if it ends the session.
func command(line string) (isCommand, leave bool) {
	switch strings.ToLower(strings.TrimSuffix(strings.TrimSpace(line), ";")) {
	case "\\q", "exit", "quit":
		return true, true
	case "\\h", "\\?", "help", "?":
		fmt.Println(replHelp)
		return true, false
	}
	return false, false
}

func historyFile() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "featuresql_history")
}

// saveHistory keeps what was typed; failing to is no reason to complain.
func saveHistory(line *liner.State, path string) {
	if path == "" {
		return
	}
	_ = os.MkdirAll(filepath.Dir(path), 0o700)
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err == nil {
		_, _ = line.WriteHistory(f)
		_ = f.Close()
	}
}

// run executes one statement and prints its result.
func (c sqlCmd) run(ctx context.Context, s *engine.Session, stmt string) error {
	start := time.Now()
	res, err := s.Query(ctx, stmt)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	if err := c.print(out, res, time.Since(start)); err != nil {
		return err
	}
	return out.Flush()
}

func (c sqlCmd) print(w io.Writer, res *engine.Result, took time.Duration) error {
	switch c.Format {
	case "csv":
		return printCSV(w, res)
	case "json":
		return printJSON(w, res)
	}
	printTable(w, res, took)
	return nil
}
