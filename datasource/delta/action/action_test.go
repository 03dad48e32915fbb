package action_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta/action"
)

// lines are actions in the form in which they are written; each must come back byte for byte.
var lines = []string{
	`{"add":{"path":"a%20b/part-0.parquet","partitionValues":{"p":null,"q":"x"},"size":12,"modificationTime":1700000000000,"dataChange":true,"stats":"{\"numRecords\":1,\"minValues\":{\"x\":12345678901234567.89}}","tags":{"k":"v","n":null},"deletionVector":{"storageType":"u","pathOrInlineDv":"ab^-aqEH.-t@S}K{vb[*k^","offset":4,"sizeInBytes":40,"cardinality":6},"baseRowId":4071,"defaultRowCommitVersion":41,"clusteringProvider":"liquid"}}`,
	`{"add":{"path":"p","partitionValues":{},"size":0,"modificationTime":0,"dataChange":false}}`,
	`{"remove":{"path":"p","deletionTimestamp":1,"dataChange":true,"extendedFileMetadata":true,"partitionValues":{"p":"é\u0001"},"size":9,"baseRowId":1,"defaultRowCommitVersion":2}}`,
	`{"remove":{"path":"p","dataChange":false}}`,
	`{"metaData":{"id":"i","name":"n","description":"d","format":{"provider":"parquet","options":{"a":"b"}},"schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":["p"],"configuration":{"delta.appendOnly":"true"},"createdTime":5}}`,
	`{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["columnMapping"],"writerFeatures":[]}}`,
	`{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}`,
	`{"txn":{"appId":"a","version":-1,"lastUpdated":3}}`,
	`{"domainMetadata":{"domain":"d","configuration":"{}","removed":true}}`,
	`{"cdc":{"path":"_change_data/x","partitionValues":{},"size":1,"dataChange":false}}`,
	`{"checkpointMetadata":{"version":3,"tags":{"a":"b"}}}`,
	`{"sidecar":{"path":"s.parquet","sizeInBytes":1,"modificationTime":2}}`,
	`{"commitInfo":{"inCommitTimestamp":7,"timestamp":8,"operation":"WRITE","operationParameters":{"mode":"Append"},"readVersion":1,"isolationLevel":"Serializable","isBlindAppend":true,"operationMetrics":{"numFiles":"1"},"userMetadata":"m","engineInfo":"e","txnId":"t","notebook":{"a":[1,2]}}}`,
}

func TestLinesRoundTrip(t *testing.T) {
	for _, line := range lines {
		a, err := action.Parse(line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got := string(action.Append(nil, &a)); got != line {
			t.Errorf("got  %s\nwant %s", got, line)
		}
	}
}

func TestUnknownIsIgnored(t *testing.T) {
	a, err := action.Parse(`{"futureAction":{"x":[1,{"y":null}]}}`)
	if err != nil || !a.IsUnknown() {
		t.Fatalf("%+v, %v", a, err)
	}
	if got := action.AppendLine(nil, &a); len(got) != 0 {
		t.Errorf("an unknown action is written as %s", got)
	}
	a, err = action.Parse(` {"add":{"path":"p","new":{"deep":[{}]},"partitionValues":{"a":"1"},"size":1.0E3,"stats":null,"tags":null,"modificationTime":2,"dataChange":true},"other":3} `)
	if err != nil || a.Add == nil || a.Add.Path != "p" || a.Add.Size != 1000 || a.Add.Stats != "" || a.Add.Tags != nil {
		t.Fatalf("%+v, %v", a.Add, err)
	}
	a, err = action.Parse(`{"commitInfo":{"timestamp":"soon","operation":7,"isBlindAppend":null,"operationParameters":{"a":[1],"b":"c"}}}`)
	if err != nil || a.CommitInfo.Timestamp != nil || a.CommitInfo.OperationParameters["a"] != "[1]" || string(a.CommitInfo.Extra["timestamp"]) != `"soon"` {
		t.Fatalf("commitInfo of any form: %+v, %v", a.CommitInfo, err)
	}
}

func TestMalformed(t *testing.T) {
	for _, line := range []string{
		``, `x`, `[]`, `{"add":{}}`, `{"add":{"path":"p","size":"1"}}`, `{"add":{"path":"p","size":-1}}`, `{"add":{"path":"p"`, `{"add":3}`,
		`{"protocol":{"minReaderVersion":1}}`, `{"metaData":{"id":"x"}}`, `{"txn":{"version":1}}`, `{"add":{"path":"p","size":1.5}}`,
		`{"add":{"path":"p","deletionVector":{"storageType":"x"}}}`, `{"add":{"path":"p","deletionVector":{"storageType":"u","sizeInBytes":-1}}}`,
		`{"add":{"path":"p"}} {"add":{"path":"q"}}`, `{"add":{"path":"p","deletionVector":{"storageType":"u","offset":99999999999}}}`,
	} {
		if a, err := action.Parse(line); err == nil {
			t.Errorf("%s is %+v", line, a)
		}
	}
}

func TestParseLinesNamesTheLine(t *testing.T) {
	var got []int
	err := action.ParseLines("_delta_log/1.json", lines[0]+"\r\n\n"+lines[6]+"\n{\"add\"", func(line int, _ *action.Action) error {
		got = append(got, line)
		return nil
	})
	var corrupt *action.CorruptionError
	if !errors.As(err, &corrupt) || corrupt.Path != "_delta_log/1.json" || corrupt.Line != 4 {
		t.Fatalf("%v", err)
	}
	if !reflect.DeepEqual(got, []int{1, 3}) {
		t.Errorf("lines %v", got)
	}
	if !strings.Contains(err.Error(), "_delta_log/1.json line 4") {
		t.Errorf("message %q", err)
	}
}

func TestCanonicalPath(t *testing.T) {
	root := action.NewRoot("file:///data/my%20table/")
	for _, group := range [][]string{
		{"a%20b.parquet", "file:/data/my%20table/a%20b.parquet", "file:///data/my%20table/a%20b.parquet", "/data/my%20table/a%20b.parquet", "file://localhost/data/my%20table/a%20b.parquet", "FILE:///data/my%20table//a%20b.parquet", "./a%20b.parquet"},
		{"p=a%2520b/x", "/data/my%20table/p=a%2520b/x", "file:/data/my%20table/p=a%2520b/x"},
		{"/other/a%20b", "file:/other/a%20b", "file:///other/./a%20b"},
		{"s3://bucket/k%20", "s3a://bucket/k%20", "S3N://bucket//k%20"},
		{"100%", "100%25"},
		{"a+b"},
		{"a%23b?c#d%", "a#b?c#d%"},
		{"ts=2020-01-01 00:00:00/x", "ts=2020-01-01%2000:00:00/x"},
	} {
		want := root.CanonicalPath(group[0])
		for _, path := range group {
			if got := root.CanonicalPath(path); got != want {
				t.Errorf("%s is %q, %s is %q", path, got, group[0], want)
			}
			if again := root.CanonicalPath(action.EscapePath(want)); !action.IsAbsolute(want) && again != want {
				t.Errorf("%q escaped and decoded is %q", want, again)
			}
		}
	}
	for path, want := range map[string]string{
		"a%20b.parquet": "a b.parquet", "p=a%2520b/x": "p=a%20b/x", "/other/a%20b": "file:///other/a%20b", "a+b": "a+b",
		"s3a://bucket/k%20": "s3://bucket/k%20", "/data/my%20tables/x": "file:///data/my%20tables/x",
	} {
		if got := root.CanonicalPath(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	s3 := action.NewRoot("s3://bucket/wh/t")
	if got := s3.CanonicalPath("s3a://bucket/wh/t/x%2Fy"); got != "x/y" {
		t.Errorf("%q", got)
	}
}

func TestUniqueID(t *testing.T) {
	four := int32(4)
	for want, d := range map[string]*action.DeletionVectorDescriptor{
		"": nil, "uabc@4": {StorageType: "u", PathOrInlineDV: "abc", Offset: &four}, "ixyz": {StorageType: "i", PathOrInlineDV: "xyz"},
	} {
		if got := d.UniqueID(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// FuzzParse checks that any line is refused or comes back the same after writing it.
func FuzzParse(f *testing.F) {
	for _, line := range lines {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		a, err := action.Parse(line)
		if err != nil {
			return
		}
		text := action.Append(nil, &a)
		if len(text) == 0 {
			return
		}
		b, err := action.Parse(string(text))
		if err != nil {
			t.Fatalf("%s is read but not its own form %s: %v", line, text, err)
		}
		if again := action.Append(nil, &b); string(again) != string(text) {
			t.Fatalf("%s\nthen %s", text, again)
		}
	})
}

// FuzzCanonicalPath checks that a canonical path stays the same and names what EscapePath wrote.
func FuzzCanonicalPath(f *testing.F) {
	f.Add("file:///data/t/a%20b")
	f.Add("s3a://b//x/./y%2")
	f.Add("//a/../%zz")
	root := action.NewRoot("file:///data/t")
	f.Fuzz(func(t *testing.T, path string) {
		c := root.CanonicalPath(path)
		if action.IsAbsolute(c) {
			if strings.HasPrefix(c, "file:///") && root.CanonicalPath(c) != c {
				t.Fatalf("%q is %q, which is %q", path, c, root.CanonicalPath(c))
			}
			return
		}
		if e := action.EscapePath(c); !strings.HasPrefix(c, "/") && !strings.Contains(c, "//") && !strings.Contains(c, "./") && root.CanonicalPath(e) != c {
			t.Fatalf("%q is %q, escaped %q, which is %q", path, c, e, root.CanonicalPath(e))
		}
	})
}
