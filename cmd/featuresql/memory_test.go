package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMemoryFlags(t *testing.T) {
	c, err := parseConfig(t, "memory-limit: 512MiB\nquery-memory: 100m\n", "serve", "--spill-dir=/spill")
	if err != nil || c.Serve.MemoryLimit != 512<<20 || c.Serve.QueryMemory != 100<<20 || c.Serve.CacheMemory != 1<<30 || c.Serve.SpillDir != "/spill" {
		t.Errorf("%+v, %v", c.Serve, err)
	}
	t.Setenv("FEATURESQL_MEMORY_LIMIT", "2g")
	c, err = parseConfig(t, "memory-limit: 512MiB\n", "serve", "--temp-dir=/old")
	if err != nil || c.Serve.MemoryLimit != 2<<30 || c.Serve.SpillDir != "/old" {
		t.Errorf("%+v, %v", c.Serve, err)
	}
	if _, err = parseConfig(t, "", "serve", "--memory-limit=lots"); err == nil || !strings.Contains(err.Error(), "512MiB") {
		t.Errorf("no size: %v", err)
	}
}

func TestMemoryShares(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		limit, cache byteSize
		want         memoryShares
	}{
		{-1, gib, memoryShares{process: 6 * gib, operators: 15 * gib / 4, caches: 3 * gib / 4}},
		{16 * gib, gib, memoryShares{process: 16 * gib, operators: 10 * gib, caches: gib}},
		{0, gib, memoryShares{caches: gib}},
	} {
		if got := (engineFlags{MemoryLimit: c.limit, CacheMemory: c.cache}).memory(10 * gib); got != c.want {
			t.Errorf("%d: %+v, want %+v", c.limit, got, c.want)
		}
	}
}

func TestMeminfo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "meminfo")
	if err := os.WriteFile(file, []byte("MemFree:  1 kB\nMemTotal:       16384 kB\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := meminfoTotal(file); n != 16<<20 {
		t.Errorf("%d bytes", n)
	}
	if n := meminfoTotal(file + "x"); n != 0 {
		t.Errorf("%d bytes of no file", n)
	}
}
