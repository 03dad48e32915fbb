package featuresql_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// readmeCommands returns the lines of the README's sh blocks.
func readmeCommands(t *testing.T) []string {
	t.Helper()
	src, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	inside := false
	for l := range strings.SplitSeq(string(src), "\n") {
		switch {
		case strings.HasPrefix(l, "```"):
			inside = l == "```sh"
		case inside && l != "":
			out = append(out, l)
		}
	}
	return out
}

// TestReadmeCommands runs every command of the README, in order, in a copy of nothing but its own folder for data.
// `make test` is what runs this test, so it is only checked to be there.
func TestReadmeCommands(t *testing.T) {
	dir := t.TempDir()
	bin := filepath.Join(dir, "featuresql")
	seen := map[string]bool{}
	for _, c := range readmeCommands(t) {
		line := strings.NewReplacer("bin/featuresql", bin, "./warehouse", filepath.Join(dir, "warehouse"), "127.0.0.1:3306", "127.0.0.1:0").Replace(c)
		seen[c] = true
		switch {
		case c == "make test":
		case strings.Contains(c, " serve "):
			runServer(t, line)
		default:
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			out, err := exec.CommandContext(ctx, "sh", "-c", line).CombinedOutput()
			cancel()
			if err != nil {
				t.Fatalf("%s: %v\n%s", c, err, out)
			}
			checkOutput(t, c, string(out))
		}
	}
	for _, c := range []string{"go run ./cmd/featuresql demo --once", "make test"} {
		if !seen[c] {
			t.Errorf("README.md does not have the command %q", c)
		}
	}
}

// checkOutput looks for what a reader is promised.
func checkOutput(t *testing.T, command, out string) {
	t.Helper()
	want := map[string][]string{
		"demo": {"ASOF JOIN", "AS OF VERSION 1", "MERGE INTO", "skipped", "8 updates committed", "980.00"},
		" sql": {"two", "2"},
	}
	for word, promised := range want {
		if !strings.Contains(command, "featuresql"+word) && !strings.Contains(command, "featuresql "+strings.TrimSpace(word)) {
			continue
		}
		for _, p := range promised {
			if !strings.Contains(out, p) {
				t.Errorf("%s: the output lacks %q:\n%s", command, p, out)
			}
		}
	}
}

// runServer starts the server, waits for its ready line and ends it as an operator would.
func runServer(t *testing.T, line string) {
	t.Helper()
	cmd := exec.Command("sh", "-c", "exec "+line)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan bool, 1)
	go func() {
		found := false
		for s := bufio.NewScanner(stderr); s.Scan(); {
			if strings.Contains(s.Text(), "ready, listening on") {
				found = true
				ready <- true
			}
		}
		if !found {
			ready <- false
		}
	}()
	select {
	case ok := <-ready:
		if !ok {
			t.Errorf("%s: no ready line", line)
		}
	case <-time.After(time.Minute):
		t.Errorf("%s: not ready after a minute", line)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s: after SIGTERM: %v", line, err)
	}
}
