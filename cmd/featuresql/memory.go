package main

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/featuresql/featuresql/engine/exec"
)

// byteSize is a flag's number of bytes: 1073741824, 1GiB, 1g.
type byteSize int64

// UnmarshalText implements encoding.TextUnmarshaler; -1 stands for a default that depends on the machine.
func (b *byteSize) UnmarshalText(text []byte) error {
	if string(text) == "-1" {
		*b = -1
		return nil
	}
	n, err := exec.ParseSize(string(text))
	*b = byteSize(n)
	return err
}

// memoryShares says what the memory of the process is for; 0: unlimited.
type memoryShares struct{ process, operators, caches int64 }

// memory divides the memory limit: an eighth at most is for caches, five eighths are for what operators hold, and the
// rest for what passes through: the pages being decoded, results on their way to clients, and garbage.
func (f engineFlags) memory(machine int64) memoryShares {
	limit := int64(f.MemoryLimit)
	if limit < 0 {
		limit = machine / 10 * 6
	}
	if limit == 0 {
		return memoryShares{caches: int64(f.CacheMemory)}
	}
	return memoryShares{process: limit, operators: max(1, limit/8*5), caches: max(1, min(int64(f.CacheMemory), limit/8))}
}

// tellCollector has garbage collected more often when the process comes near its limit, unless GOMEMLIMIT says otherwise.
func (m memoryShares) tellCollector() {
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set && m.process > 0 {
		debug.SetMemoryLimit(m.process)
	}
}

// machineBytes returns the memory of the machine, or of the control group that the process runs in if that is less; 0 if
// the system does not tell as Linux does.
func machineBytes() int64 {
	least := meminfoTotal("/proc/meminfo")
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err == nil && n > 0 && n < math.MaxInt64/2 && (least == 0 || n < least) {
			least = n // not "max"
		}
	}
	return least
}

// meminfoTotal reads the line «MemTotal: 16384 kB».
func meminfoTotal(file string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemTotal:" && f[2] == "kB" {
			if n, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				return n << 10
			}
		}
	}
	return 0
}
