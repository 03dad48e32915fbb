package jsonscan_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/featuresql/featuresql/datasource/delta/jsonscan"
)

func valid(text string) bool {
	s := jsonscan.New(text)
	s.Skip()
	s.End()
	return s.Err() == nil
}

func TestSkipAcceptsWhatIsJSON(t *testing.T) {
	for _, text := range []string{
		`1`, `-0.5e+10`, `"a\"bé\ud83d\ude00"`, `[]`, `{}`, `[1,[2,{"a":[{}]}],null,true,false]`, ` { "a" : 1 , "b" : [ ] } `,
	} {
		if !valid(text) {
			t.Errorf("%s is refused", text)
		}
	}
	for _, text := range []string{
		``, `01`, `1.`, `.5`, `1e`, `+1`, `tru`, `nul`, `"a`, "\"a\nb\"", `[1,]`, `[,1]`, `[1 2]`, `{"a"}`, `{"a":1,}`, `{,}`, `{1:2}`, `1 2`, `]`, `{"a":1]`,
		strings.Repeat("[", jsonscan.MaxDepth+1) + strings.Repeat("]", jsonscan.MaxDepth+1),
	} {
		if valid(text) {
			t.Errorf("%s is accepted", text)
		}
	}
}

func TestParseInt(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "-1": -1, "9223372036854775807": 1<<63 - 1, "-9223372036854775808": -1 << 63} {
		if got, ok := jsonscan.ParseInt(text); !ok || got != want {
			t.Errorf("%s: %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "-", "9223372036854775808", "-9223372036854775809", "1.0", "1e3", "99999999999999999999"} {
		if got, ok := jsonscan.ParseInt(text); ok {
			t.Errorf("%s is %d", text, got)
		}
	}
}

func TestUnescape(t *testing.T) {
	for raw, want := range map[string]string{
		`a\"b\\c\/d\b\f\n\r\t`: "a\"b\\c/d\b\f\n\r\t", `\u00e9`: "é", `\ud83d\ude00`: "😀", `\ud83dx`: "\uFFFDx", `\ude00`: "\uFFFD",
		`\ud83d\ud83d\ude00`: "\uFFFD😀",
	} {
		if got, ok := jsonscan.Unescape(raw); !ok || got != want {
			t.Errorf("%s: %q, %v", raw, got, ok)
		}
	}
	for _, raw := range []string{`\`, `\x`, `\u12`, `\u12g4`} {
		if got, ok := jsonscan.Unescape(raw); ok {
			t.Errorf("%s is %q", raw, got)
		}
	}
}

// FuzzSkip compares what is JSON with the standard library's opinion, and strings with what that decodes.
func FuzzSkip(f *testing.F) {
	f.Add(`{"add":{"path":"a b","size":1,"x":[null,true,1.5e3,"\u00e9\n"]}}`)
	f.Add(`[[[]],{"":{}}]`)
	f.Add(`{"":{"":["\0"]}}`)
	f.Add(`["\u12g4"]`)
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		want := json.Valid([]byte(text))
		if got := valid(text); got != want && !(want && strings.Count(text, "[")+strings.Count(text, "{") > jsonscan.MaxDepth) {
			t.Fatalf("%q: %v, want %v", text, got, want)
		}
		if !want {
			return
		}
		s := jsonscan.New(text)
		if s.Peek() != '"' {
			return
		}
		var decoded string
		if err := json.Unmarshal([]byte(text), &decoded); err != nil {
			t.Fatal(err)
		}
		if got := s.String(); got != decoded {
			t.Fatalf("%q, want %q", got, decoded)
		}
	})
}

// FuzzAppendString checks that what is written is read back.
func FuzzAppendString(f *testing.F) {
	f.Add("a\"\\\n\x01é😀")
	f.Add("\xff\xfe")
	f.Fuzz(func(t *testing.T, text string) {
		out := string(jsonscan.AppendString(nil, text))
		var decoded string
		if err := json.Unmarshal([]byte(out), &decoded); err != nil {
			t.Fatalf("%q is no JSON: %v", out, err)
		}
		if want := strings.ToValidUTF8(text, "\uFFFD"); utf8.ValidString(text) && decoded != want {
			t.Fatalf("%q, want %q", decoded, want)
		}
		s := jsonscan.New(out)
		if got := s.String(); got != decoded || s.Err() != nil {
			t.Fatalf("%q, want %q", got, decoded)
		}
	})
}
