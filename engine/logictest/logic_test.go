package logictest_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine"
	"github.com/featuresql/featuresql/engine/logictest"
)

// TestLogic runs every file as users would, and again with batches of three rows and one worker.
func TestLogic(t *testing.T) {
	files, err := filepath.Glob("../../testdata/logic/*.test")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".test")
		t.Run(name, func(t *testing.T) { logictest.Run(t, f, engine.Options{}) })
		t.Run(name+"/small_batches", func(t *testing.T) { logictest.Run(t, f, engine.Options{BatchRows: 3, Workers: 1}) })
	}
}
