package logictest

import (
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// TestCharacterSet: what a client sends and gets is in its own character set; tables hold UTF-8.
func TestCharacterSet(t *testing.T) {
	l := newLoader(t, engine.Options{})
	l.exec("CREATE TABLE t (s STRING)", "SET NAMES latin1", "INSERT INTO t VALUES ('\xe4\x80')")
	l.want("SELECT s FROM t", "\xe4\x80")
	l.want("SELECT '\xe4'", "\xe4")
	l.exec("SET NAMES utf8mb4")
	l.want("SELECT s FROM t", "ä€")
	l.want("SELECT concat(length(s), ' ', char_length(s)) FROM t", "5 2")
}
