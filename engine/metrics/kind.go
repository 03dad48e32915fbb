package metrics

import "strings"

// kinds are the values of the label "kind": the first words of statements. The last one is everything else.
var kinds = [...]string{
	"select", "insert", "update", "delete", "merge", "replace", "load", "create", "alter", "drop", "truncate", "rename", "optimize", "vacuum",
	"restore", "set", "show", "describe", "explain", "use", "begin", "commit", "rollback", "call", "kill", "grant", "revoke", "other",
}

// firstWords are kinds that begin with another word, too.
var firstWords = map[string]string{
	"with": "select", "values": "select", "table": "select", "start": "begin", "desc": "describe",
}

// kindIndex is the place in kinds of each first word.
var kindIndex = func() map[string]int {
	m := map[string]int{}
	for i, k := range kinds {
		m[k] = i
	}
	for word, k := range firstWords {
		m[word] = m[k]
	}
	return m
}()

// kindOf returns the place in kinds of a statement.
func kindOf(text string) int {
	var word [16]byte
	n := 0
	for rest := skipComments(text); n < len(rest) && n < len(word); n++ {
		c := rest[n] | 0x20
		if c < 'a' || c > 'z' {
			break
		}
		word[n] = c
	}
	if i, ok := kindIndex[string(word[:n])]; ok {
		return i
	}
	return len(kinds) - 1
}

// skipComments returns text from its first word on.
func skipComments(text string) string {
	for {
		text = strings.TrimLeft(text, " \t\r\n(;")
		end := ""
		switch {
		case strings.HasPrefix(text, "/*"):
			end = "*/"
		case strings.HasPrefix(text, "--"), strings.HasPrefix(text, "#"):
			end = "\n"
		default:
			return text
		}
		_, rest, found := strings.Cut(text, end)
		if !found {
			return ""
		}
		text = rest
	}
}
