package scalar_test

import "testing"

func TestAliases(t *testing.T) {
	run(t, []example{
		{in: `<=(1, 1)`, want: "1"},
		{in: `<=(2, 1)`, want: "0"},
		{in: `>=('b', 'a')`, want: "1"},
		{in: `character_length('äb')`, want: "2"},
		{in: `octet_length('äb')`, want: "3"},
		{in: `lcase('AB')`, want: "ab"},
		{in: `ucase('ab')`, want: "AB"},
		{in: `substr('abc', 2)`, want: "bc"},
		{in: `mid('abcd', 2, 2)`, want: "bc"},
		{in: `sha('abc')`, want: "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{in: `regexp('abc', 'b.')`, want: "1"},
		{in: `rlike('abc', '^b')`, want: "0"},
		{in: `current_date()`, want: "2024-03-10"},
		{in: `current_time()`, want: "01:30:15"},
		{in: `localtime()`, want: "2024-03-10 01:30:15"},
		{in: `localtimestamp()`, want: "2024-03-10 01:30:15"},
		{in: `sysdate()`, want: "2024-03-10 01:30:15"},
		{in: `datetime('2024-01-31')`, want: "2024-01-31 00:00:00"},
	})
}
