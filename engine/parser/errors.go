package parser

import (
	"fmt"
	"unicode/utf8"
)

// SyntaxError says that a text is outside the grammar, or breaks one of its limits. MySQL calls it 1064 (42000).
type SyntaxError struct {
	Reason string
	Near   string // the text from where it went wrong, shortened
}

func (e *SyntaxError) Error() string {
	if e.Near == "" {
		return "You have an error in your SQL syntax: " + e.Reason
	}
	return fmt.Sprintf("You have an error in your SQL syntax: %s near '%s'", e.Reason, e.Near)
}

// UnsupportedError says that a statement is understood and not supported. MySQL calls it 1235 (42000).
type UnsupportedError struct{ What string }

func (e *UnsupportedError) Error() string { return "featuresql does not support " + e.What }

// ProcedureError says that there is no stored procedure, of any name.
type ProcedureError struct{ Name string }

func (e *ProcedureError) Error() string {
	return "PROCEDURE " + e.Name + " does not exist; featuresql has no stored procedures"
}

// AsOfError says that the value of an AS OF expression names no version and no time.
type AsOfError struct {
	Value  string // the value, as text
	Reason string
}

func (e *AsOfError) Error() string { return "AS OF " + e.Value + ": " + e.Reason }

const nearBytes = 64

func (s *statement) errorAt(i int, format string, args ...any) error {
	near := s.src[s.at(i).start:]
	if len(near) > nearBytes {
		cut := nearBytes
		for cut > 0 && !utf8.RuneStart(near[cut]) {
			cut--
		}
		near = near[:cut] + "…"
	}
	return &SyntaxError{Reason: fmt.Sprintf(format, args...), Near: near}
}
