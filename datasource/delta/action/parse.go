package action

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/featuresql/featuresql/datasource/delta/jsonscan"
)

// Parse reads one line of a commit. Fields and actions that it does not know are ignored; a known field of a
// wrong type, a missing required field and malformed JSON are errors.
func Parse(line string) (Action, error) {
	var a Action
	s := jsonscan.New(line)
	if !s.BeginObject() {
		return a, s.Err()
	}
	for first := true; ; first = false {
		key, ok := s.NextKey(first)
		if !ok {
			break
		}
		if s.Null() {
			continue
		}
		parseAction(&s, key, &a)
	}
	s.End()
	if err := s.Err(); err != nil {
		return Action{}, err
	}
	if err := a.check(); err != nil {
		return Action{}, err
	}
	return a, nil
}

// ParseLines calls f for every action of a commit, a JSON checkpoint or a log compaction file, in order. Empty
// lines are skipped; line counts from 1. Parse errors come back as *CorruptionError of path; an error of f ends it.
func ParseLines(path, text string, f func(line int, a *Action) error) error {
	for line := 1; text != ""; line++ {
		var one string
		one, text, _ = strings.Cut(text, "\n")
		one = strings.TrimSpace(one)
		if one == "" {
			continue
		}
		a, err := Parse(one)
		if err != nil {
			return &CorruptionError{Path: path, Line: line, Reason: "not an action", Err: err}
		}
		if err := f(line, &a); err != nil {
			return err
		}
	}
	return nil
}

func parseAction(s *jsonscan.Scanner, key string, a *Action) {
	switch key {
	case "add":
		a.Add = parseAdd(s)
	case "remove":
		a.Remove = parseRemove(s)
	case "metaData":
		a.Metadata = parseMetadata(s)
	case "protocol":
		a.Protocol = parseProtocol(s)
	case "commitInfo":
		a.CommitInfo = parseCommitInfo(s)
	case "txn":
		a.Txn = parseTxn(s)
	case "domainMetadata":
		a.DomainMetadata = parseDomain(s)
	case "cdc":
		a.CDC = parseCDC(s)
	case "checkpointMetadata":
		a.CheckpointMetadata = parseCheckpointMetadata(s)
	case "sidecar":
		a.Sidecar = parseSidecar(s)
	default:
		s.Skip()
	}
}

// fields calls f for every member of an object that is not null; f reads the value.
func fields(s *jsonscan.Scanner, f func(key string)) {
	if !s.BeginObject() {
		return
	}
	for first := true; ; first = false {
		key, ok := s.NextKey(first)
		if !ok {
			return
		}
		if !s.Null() {
			f(key)
		}
	}
}

func parseAdd(s *jsonscan.Scanner) *Add {
	a := &Add{DataChange: true}
	fields(s, func(key string) {
		switch key {
		case "path":
			a.Path = s.String()
		case "partitionValues":
			a.PartitionValues = stringMap(s)
		case "size":
			a.Size = integer(s)
		case "modificationTime":
			a.ModificationTime = integer(s)
		case "dataChange":
			a.DataChange = s.Bool()
		case "stats":
			a.Stats = stats(s)
		case "tags":
			a.Tags = stringMap(s)
		case "deletionVector":
			a.DeletionVector = parseDV(s)
		case "baseRowId":
			a.BaseRowID = integerPtr(s)
		case "defaultRowCommitVersion":
			a.DefaultRowCommitVersion = integerPtr(s)
		case "clusteringProvider":
			a.ClusteringProvider = s.String()
		default:
			s.Skip()
		}
	})
	return a
}

func parseRemove(s *jsonscan.Scanner) *Remove {
	r := &Remove{DataChange: true}
	fields(s, func(key string) {
		switch key {
		case "path":
			r.Path = s.String()
		case "deletionTimestamp":
			r.DeletionTimestamp = integerPtr(s)
		case "dataChange":
			r.DataChange = s.Bool()
		case "extendedFileMetadata":
			b := s.Bool()
			r.ExtendedFileMetadata = &b
		case "partitionValues":
			r.PartitionValues = stringMap(s)
		case "size":
			r.Size = integerPtr(s)
		case "stats":
			r.Stats = stats(s)
		case "tags":
			r.Tags = stringMap(s)
		case "deletionVector":
			r.DeletionVector = parseDV(s)
		case "baseRowId":
			r.BaseRowID = integerPtr(s)
		case "defaultRowCommitVersion":
			r.DefaultRowCommitVersion = integerPtr(s)
		default:
			s.Skip()
		}
	})
	return r
}

func parseDV(s *jsonscan.Scanner) *DeletionVectorDescriptor {
	d := &DeletionVectorDescriptor{Cardinality: -1} // required
	fields(s, func(key string) {
		switch key {
		case "storageType":
			d.StorageType = s.String()
		case "pathOrInlineDv":
			d.PathOrInlineDV = s.String()
		case "offset":
			v := integer32(s)
			d.Offset = &v
		case "sizeInBytes":
			d.SizeInBytes = integer32(s)
		case "cardinality":
			d.Cardinality = integer(s)
		default:
			s.Skip()
		}
	})
	return d
}

func parseMetadata(s *jsonscan.Scanner) *Metadata {
	m := &Metadata{}
	fields(s, func(key string) {
		switch key {
		case "id":
			m.ID = s.String()
		case "name":
			v := s.String()
			m.Name = &v
		case "description":
			v := s.String()
			m.Description = &v
		case "format":
			m.Format = parseFormat(s)
		case "schemaString":
			m.SchemaString = s.String()
		case "partitionColumns":
			m.PartitionColumns = stringList(s)
		case "configuration":
			m.Configuration = plainMap(s)
		case "createdTime":
			m.CreatedTime = integerPtr(s)
		default:
			s.Skip()
		}
	})
	return m
}

func parseFormat(s *jsonscan.Scanner) (f Format) {
	fields(s, func(key string) {
		switch key {
		case "provider":
			f.Provider = s.String()
		case "options":
			f.Options = plainMap(s)
		default:
			s.Skip()
		}
	})
	return f
}

func parseProtocol(s *jsonscan.Scanner) *Protocol {
	p := &Protocol{}
	fields(s, func(key string) {
		switch key {
		case "minReaderVersion":
			p.MinReader = int(integer32(s))
		case "minWriterVersion":
			p.MinWriter = int(integer32(s))
		case "readerFeatures":
			p.ReaderFeatures = stringList(s)
		case "writerFeatures":
			p.WriterFeatures = stringList(s)
		default:
			s.Skip()
		}
	})
	return p
}

func parseTxn(s *jsonscan.Scanner) *Txn {
	t := &Txn{}
	fields(s, func(key string) {
		switch key {
		case "appId":
			t.AppID = s.String()
		case "version":
			t.Version = integer(s)
		case "lastUpdated":
			t.LastUpdated = integerPtr(s)
		default:
			s.Skip()
		}
	})
	return t
}

func parseDomain(s *jsonscan.Scanner) *DomainMetadata {
	d := &DomainMetadata{}
	fields(s, func(key string) {
		switch key {
		case "domain":
			d.Domain = s.String()
		case "configuration":
			d.Configuration = s.String()
		case "removed":
			d.Removed = s.Bool()
		default:
			s.Skip()
		}
	})
	return d
}

func parseCDC(s *jsonscan.Scanner) *CDC {
	c := &CDC{}
	fields(s, func(key string) {
		switch key {
		case "path":
			c.Path = s.String()
		case "partitionValues":
			c.PartitionValues = stringMap(s)
		case "size":
			c.Size = integer(s)
		case "dataChange":
			c.DataChange = s.Bool()
		case "tags":
			c.Tags = stringMap(s)
		default:
			s.Skip()
		}
	})
	return c
}

func parseCheckpointMetadata(s *jsonscan.Scanner) *CheckpointMetadata {
	c := &CheckpointMetadata{}
	fields(s, func(key string) {
		switch key {
		case "version":
			c.Version = Version(integer(s))
		case "tags":
			c.Tags = stringMap(s)
		default:
			s.Skip()
		}
	})
	return c
}

func parseSidecar(s *jsonscan.Scanner) *Sidecar {
	c := &Sidecar{}
	fields(s, func(key string) {
		switch key {
		case "path":
			c.Path = s.String()
		case "sizeInBytes":
			c.SizeInBytes = integer(s)
		case "modificationTime":
			c.ModificationTime = integer(s)
		case "tags":
			c.Tags = stringMap(s)
		default:
			s.Skip()
		}
	})
	return c
}

func parseCommitInfo(s *jsonscan.Scanner) *CommitInfo {
	c := &CommitInfo{}
	fields(s, func(key string) {
		switch key {
		case "operationParameters":
			c.OperationParameters = looseMap(s)
		case "operationMetrics":
			c.OperationMetrics = looseMap(s)
		default:
			parseCommitField(c, key, s.Raw())
		}
	})
	return c
}

// parseCommitField stores a member of commitInfo. The protocol leaves its form to writers, so a value of an
// unexpected type is kept in Extra rather than refused.
func parseCommitField(c *CommitInfo, key, raw string) {
	strs := map[string]*string{
		"userId": &c.UserID, "userName": &c.UserName, "operation": &c.Operation, "isolationLevel": &c.IsolationLevel,
		"userMetadata": &c.UserMetadata, "engineInfo": &c.EngineInfo, "txnId": &c.TxnID, "clientVersion": &c.ClientVersion,
	}
	ints := map[string]**int64{"timestamp": &c.Timestamp, "inCommitTimestamp": &c.InCommitTimestamp, "readVersion": &c.ReadVersion}
	value := jsonscan.New(raw)
	switch {
	case strs[key] != nil && strings.HasPrefix(raw, `"`):
		*strs[key] = value.String()
		return
	case ints[key] != nil:
		if n, ok := jsonscan.ParseInt(raw); ok {
			*ints[key] = &n
			return
		}
	case key == "isBlindAppend" && (raw == "true" || raw == "false"):
		b := raw == "true"
		c.IsBlindAppend = &b
		return
	}
	if c.Extra == nil {
		c.Extra = map[string]json.RawMessage{}
	}
	c.Extra[key] = json.RawMessage(raw)
}

// stats reads statistics: JSON in a string, or (some writers) the object itself.
func stats(s *jsonscan.Scanner) string {
	if s.Peek() == '{' {
		return s.Raw()
	}
	return s.String()
}

// integer reads an integer; one written with a fraction of zeros or an exponent is accepted.
func integer(s *jsonscan.Scanner) int64 {
	text := s.Number()
	if n, ok := jsonscan.ParseInt(text); ok {
		return n
	}
	var f float64
	if s.Err() == nil {
		if err := json.Unmarshal([]byte(text), &f); err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
			s.Fail("expected an integer")
			return 0
		}
	}
	return int64(f)
}

func integer32(s *jsonscan.Scanner) int32 {
	n := integer(s)
	if n != int64(int32(n)) {
		s.Fail("expected an integer of 32 bits")
		return 0
	}
	return int32(n)
}

func integerPtr(s *jsonscan.Scanner) *int64 {
	n := integer(s)
	return &n
}

func stringList(s *jsonscan.Scanner) []string {
	list := []string{}
	if !s.BeginArray() {
		return nil
	}
	for first := true; s.NextElement(first); first = false {
		list = append(list, s.String())
	}
	return list
}

// ParseValues reads what AppendValues wrote.
func ParseValues(text string) (map[string]*string, error) {
	s := jsonscan.New(text)
	m := stringMap(&s)
	s.End()
	return m, s.Err()
}

// stringMap reads a map of strings of which values may be null.
func stringMap(s *jsonscan.Scanner) map[string]*string {
	m := map[string]*string{}
	if !s.BeginObject() {
		return nil
	}
	for first := true; ; first = false {
		key, ok := s.NextKey(first)
		if !ok {
			return m
		}
		if s.Null() {
			m[key] = nil
			continue
		}
		v := s.String()
		m[key] = &v
	}
}

// plainMap reads a map of strings and leaves out null values.
func plainMap(s *jsonscan.Scanner) map[string]string {
	m := map[string]string{}
	fields(s, func(key string) { m[key] = s.String() })
	return m
}

// looseMap reads an object whose values may be anything; those that are no strings are kept as JSON text.
func looseMap(s *jsonscan.Scanner) map[string]string {
	m := map[string]string{}
	if s.Peek() != '{' {
		s.Skip()
		return nil
	}
	fields(s, func(key string) {
		if s.Peek() == '"' {
			m[key] = s.String()
			return
		}
		m[key] = s.Raw()
	})
	return m
}

// check reports a required field that is missing.
func (a *Action) check() error {
	missing := func(field string) error { return fmt.Errorf("required field %s is missing", field) }
	switch {
	case a.Add != nil && a.Add.Path == "":
		return missing("add.path")
	case a.Add != nil && a.Add.Size < 0:
		return fmt.Errorf("add.size is %d", a.Add.Size)
	case a.Remove != nil && a.Remove.Path == "":
		return missing("remove.path")
	case a.Metadata != nil && a.Metadata.SchemaString == "":
		return missing("metaData.schemaString")
	case a.Protocol != nil && (a.Protocol.MinReader < 1 || a.Protocol.MinWriter < 1):
		return missing("protocol.minReaderVersion or minWriterVersion")
	case a.Txn != nil && a.Txn.AppID == "":
		return missing("txn.appId")
	case a.DomainMetadata != nil && a.DomainMetadata.Domain == "":
		return missing("domainMetadata.domain")
	case a.Sidecar != nil && a.Sidecar.Path == "":
		return missing("sidecar.path")
	}
	if a.Add != nil {
		return a.Add.DeletionVector.check()
	}
	if a.Remove != nil {
		return a.Remove.DeletionVector.check()
	}
	return nil
}

func (d *DeletionVectorDescriptor) check() error {
	switch {
	case d == nil:
		return nil
	case d.StorageType != "u" && d.StorageType != "p" && d.StorageType != "i":
		return fmt.Errorf("deletionVector.storageType is %q", d.StorageType)
	case d.SizeInBytes < 0 || d.Cardinality < 0 || d.Offset != nil && *d.Offset < 0:
		return fmt.Errorf("deletionVector has a negative size or offset, or no cardinality")
	}
	return nil
}
