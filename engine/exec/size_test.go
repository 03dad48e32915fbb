package exec_test

import (
	"testing"

	"github.com/featuresql/featuresql/engine/exec"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "8000000000": 8_000_000_000, "512MiB": 512 << 20, "2GiB": 2 << 30, "1g": 1 << 30, " 1.5 G ": 3 << 29, "10kb": 10_000, "1tib": 1 << 40, "7b": 7, "3M": 3 << 20,
	} {
		if got, err := exec.ParseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "g", "-1", "1x", "1 g b", "0x10", "inf", "nan", "1e30g", "1_000", "1gg", "1,5g"} {
		if got, err := exec.ParseSize(text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}
