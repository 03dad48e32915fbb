package logictest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// TestAssignmentsAgainstModel runs random SET lists whose assignments read one another, through UPDATE and through
// ON DUPLICATE KEY UPDATE, and compares each with assigning from left to right.
func TestAssignmentsAgainstModel(t *testing.T) {
	db := serve(t, engine.Options{})
	if _, err := db.Exec("CREATE TABLE m (id INT PRIMARY KEY, a BIGINT, b BIGINT, c BIGINT)"); err != nil {
		t.Fatal(err)
	}
	row := [3]int64{1, 2, 3}
	if _, err := db.Exec("INSERT INTO m VALUES (1, 1, 2, 3)"); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 11))
	for range 60 {
		var set []string
		before := row
		fresh := [3]int64{r.Int64N(9), r.Int64N(9), r.Int64N(9)}
		upsert := r.IntN(2) == 0
		for range 1 + r.IntN(5) {
			target, x, y, k := r.IntN(3), r.IntN(3), r.IntN(3), r.Int64N(5)
			other, value := "abc"[y:y+1], row[y]
			if upsert && r.IntN(3) == 0 {
				other, value = "VALUES("+other+")", fresh[y]
			}
			set = append(set, fmt.Sprintf("%c = (%c + %s + %d) %% 1009", "abc"[target], "abc"[x], other, k))
			row[target] = (row[x] + value + k) % 1009
		}
		text := "UPDATE m SET " + strings.Join(set, ", ")
		if upsert {
			text = fmt.Sprintf("INSERT INTO m VALUES (1, %d, %d, %d) ON DUPLICATE KEY UPDATE %s", fresh[0], fresh[1], fresh[2], strings.Join(set, ", "))
		}
		if _, err := db.Exec(text); err != nil {
			t.Fatal(text, err)
		}
		var got [3]int64
		if err := db.QueryRow("SELECT a, b, c FROM m").Scan(&got[0], &got[1], &got[2]); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got[:], row[:]) {
			t.Fatalf("%s\non %v: got %v, want %v", text, before, got, row)
		}
	}
}
