package lru_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/featuresql/featuresql/engine/lru"
)

func TestForgetsTheLeastRecent(t *testing.T) {
	c := lru.New[string, int](3, nil)
	for i, k := range []string{"a", "b", "c"} {
		c.GetOrAdd(k, i)
	}
	c.Get("a")
	if got := c.GetOrAdd("b", 7); got != 1 {
		t.Errorf("b is %d", got)
	}
	c.GetOrAdd("d", 3) // c was used least recently
	for k, want := range map[string]bool{"a": true, "b": true, "c": false, "d": true} {
		if _, ok := c.Get(k); ok != want {
			t.Errorf("%s: %t", k, ok)
		}
	}
	c.Delete("a")
	c.Delete("none")
	if _, ok := c.Get("a"); ok || c.Len() != 2 {
		t.Errorf("after Delete: %t, %d", ok, c.Len())
	}
}

// TestWeights: values that grow after they were added count with what they weigh when another comes; the newest always stays.
func TestWeights(t *testing.T) {
	c := lru.New[int](10, func(v *int) int { return *v })
	values := []int{1, 2, 3, 100}
	for i := range 3 {
		c.GetOrAdd(i, &values[i])
	}
	values[1] = 8
	if c.GetOrAdd(3, new(int)); c.Len() != 2 { // 1 + 8 + 3 are too much without the first, too
		t.Errorf("%d values", c.Len())
	}
	if c.GetOrAdd(4, &values[3]); c.Len() != 1 {
		t.Errorf("%d values", c.Len())
	}
}

func TestConcurrently(t *testing.T) {
	c := lru.New[string, int](5, nil)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 1000 {
				k := fmt.Sprint(i % 9)
				if v := c.GetOrAdd(k, i%9); v != i%9 {
					t.Errorf("%s is %d", k, v)
				}
				if i%7 == 0 {
					c.Delete(k)
				}
			}
		})
	}
	all.Wait()
	if c.Len() > 5 {
		t.Errorf("%d values", c.Len())
	}
}
