package checkpoint

import (
	"math"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/replay"
)

// readAdds appends the adds of a row group.
func readAdds(s *columnSet, b *replay.Builder) {
	path := s.flat("add", "path")
	if path.column == nil || s.err != nil {
		return
	}
	values := s.pairs("add", "partitionValues")
	size, modTime := s.flat("add", "size"), s.flat("add", "modificationTime")
	dataChange, stats := s.flat("add", "dataChange"), s.flat("add", "stats")
	tags := s.pairs("add", "tags")
	dv := readDVs(s, "add")
	baseRow, rowVersion := s.flat("add", "baseRowId"), s.flat("add", "defaultRowCommitVersion")
	clustering := s.flat("add", "clusteringProvider")
	parsed := openParsed(s, path, stats)
	if s.err != nil {
		return
	}
	for range s.f.RowGroupRows(s.rg) {
		name, ok := path.text()
		if !ok {
			skipRow(values, tags)
			skip(size, modTime, dataChange, stats, baseRow, rowVersion, clustering)
			dv.next()
			parsed.skip()
			continue
		}
		bytes, hasSize := size.int()
		mod, _ := modTime.int()
		text, _ := stats.text()
		text = parsed.row(text)
		if name == "" || !hasSize || bytes < 0 {
			s.corrupt([]string{"add"}, "has a file without path or size")
			return
		}
		b.Add(name, bytes, mod, dataChange.bool(true), text)
		values.each(b.Partition)
		b.Tags(tags.mapOf())
		d, err := dv.next()
		if err != "" {
			s.corrupt([]string{"add", "deletionVector"}, err)
			return
		}
		b.DeletionVector(d)
		b.RowIDs(baseRow.intPtr(), rowVersion.intPtr())
		provider, _ := clustering.text()
		b.Clustering(provider)
	}
}

func skip(columns ...flat) {
	for _, c := range columns {
		if c.column != nil {
			c.next()
		}
	}
}

func skipRow(maps ...pairs) {
	for _, m := range maps {
		m.each(func(string, string, bool) {})
	}
}

// dvColumns are the columns of a deletion vector's descriptor.
type dvColumns struct{ storage, path, offset, size, cardinality flat }

func readDVs(s *columnSet, kind string) dvColumns {
	at := func(field string) flat { return s.flat(kind, "deletionVector", field) }
	return dvColumns{at("storageType"), at("pathOrInlineDv"), at("offset"), at("sizeInBytes"), at("cardinality")}
}

// next returns the descriptor of the next row, and what is wrong with it.
func (c *dvColumns) next() (*action.DeletionVectorDescriptor, string) {
	storage, ok := c.storage.str()
	text, hasText := c.path.str()
	offset, hasOffset := c.offset.int()
	size, hasSize := c.size.int()
	cardinality, hasCardinality := c.cardinality.int()
	switch {
	case !ok:
		return nil, ""
	case !hasText || !hasSize || !hasCardinality:
		return nil, "is incomplete"
	case size < 0 || size > math.MaxInt32 || cardinality < 0 || hasOffset && (offset < 0 || offset > math.MaxInt32):
		return nil, "has a size, offset or cardinality out of range"
	}
	d := &action.DeletionVectorDescriptor{StorageType: storage, PathOrInlineDV: text, SizeInBytes: int32(size), Cardinality: cardinality}
	if hasOffset {
		o := int32(offset)
		d.Offset = &o
	}
	return d, ""
}

// readRemoves appends the removes of a row group.
func readRemoves(s *columnSet, out []action.Remove) []action.Remove {
	path := s.flat("remove", "path")
	if path.column == nil || s.err != nil {
		return out
	}
	deleted, dataChange := s.flat("remove", "deletionTimestamp"), s.flat("remove", "dataChange")
	extended := s.flat("remove", "extendedFileMetadata")
	values, tags := s.pairs("remove", "partitionValues"), s.pairs("remove", "tags")
	size, stats := s.flat("remove", "size"), s.flat("remove", "stats")
	dv := readDVs(s, "remove")
	baseRow, rowVersion := s.flat("remove", "baseRowId"), s.flat("remove", "defaultRowCommitVersion")
	if s.err != nil {
		return out
	}
	for range s.f.RowGroupRows(s.rg) {
		name, ok := path.str()
		r := action.Remove{
			Path: name, DeletionTimestamp: deleted.intPtr(), DataChange: dataChange.bool(true), PartitionValues: values.mapOf(),
			Size: size.intPtr(), Tags: tags.mapOf(), BaseRowID: baseRow.intPtr(), DefaultRowCommitVersion: rowVersion.intPtr(),
		}
		r.Stats, _ = stats.str()
		if n, ok := extended.int(); ok {
			v := n != 0
			r.ExtendedFileMetadata = &v
		}
		var reason string
		if r.DeletionVector, reason = dv.next(); reason != "" {
			s.corrupt([]string{"remove", "deletionVector"}, reason)
			return out
		}
		if ok {
			out = append(out, r)
		}
	}
	return out
}

// readOthers takes in the actions of a row group that are not of files.
func readOthers(s *columnSet, c *content) {
	take := func(a action.Action) {
		if err := c.take(&a); err != nil && s.err == nil {
			s.err = err
		}
	}
	rows := s.f.RowGroupRows(s.rg)
	readProtocol(s, rows, take)
	readMetadata(s, rows, take)
	readTxns(s, rows, take)
	readDomains(s, rows, take)
	readV2(s, rows, take)
}

func readProtocol(s *columnSet, rows int64, take func(action.Action)) {
	reader, writer := s.flat("protocol", "minReaderVersion"), s.flat("protocol", "minWriterVersion")
	readerFeatures, writerFeatures := s.list("protocol", "readerFeatures"), s.list("protocol", "writerFeatures")
	if s.err != nil || reader.column == nil {
		return
	}
	for range rows {
		r, ok1 := reader.int()
		w, ok2 := writer.int()
		rf, wf := readerFeatures.nextRow(), writerFeatures.nextRow()
		if !ok1 || !ok2 {
			continue
		}
		p := &action.Protocol{MinReader: int(r), MinWriter: int(w)}
		if r >= 3 {
			p.ReaderFeatures = rf
		}
		if w >= 7 {
			p.WriterFeatures = wf
		}
		take(action.Action{Protocol: p})
	}
}

func readMetadata(s *columnSet, rows int64, take func(action.Action)) {
	id, name, description := s.flat("metaData", "id"), s.flat("metaData", "name"), s.flat("metaData", "description")
	provider, options := s.flat("metaData", "format", "provider"), s.pairs("metaData", "format", "options")
	schema, partitions := s.flat("metaData", "schemaString"), s.list("metaData", "partitionColumns")
	created, configuration := s.flat("metaData", "createdTime"), s.pairs("metaData", "configuration")
	if s.err != nil || schema.column == nil {
		return
	}
	for range rows {
		m := &action.Metadata{Name: name.strPtr(), Description: description.strPtr(), CreatedTime: created.intPtr()}
		m.ID, _ = id.str()
		m.Format.Provider, _ = provider.str()
		m.Format.Options = options.plain()
		m.PartitionColumns = partitions.nextRow()
		m.Configuration = configuration.plain()
		var ok bool
		if m.SchemaString, ok = schema.str(); ok {
			take(action.Action{Metadata: m})
		}
	}
}

func readTxns(s *columnSet, rows int64, take func(action.Action)) {
	app, version, updated := s.flat("txn", "appId"), s.flat("txn", "version"), s.flat("txn", "lastUpdated")
	if s.err != nil || app.column == nil {
		return
	}
	for range rows {
		t := &action.Txn{}
		var ok bool
		t.AppID, ok = app.str()
		t.Version, _ = version.int()
		t.LastUpdated = updated.intPtr()
		if ok {
			take(action.Action{Txn: t})
		}
	}
}

func readDomains(s *columnSet, rows int64, take func(action.Action)) {
	domain, conf, removed := s.flat("domainMetadata", "domain"), s.flat("domainMetadata", "configuration"), s.flat("domainMetadata", "removed")
	if s.err != nil || domain.column == nil {
		return
	}
	for range rows {
		d := &action.DomainMetadata{}
		var ok bool
		d.Domain, ok = domain.str()
		d.Configuration, _ = conf.str()
		d.Removed = removed.bool(false)
		if ok {
			take(action.Action{DomainMetadata: d})
		}
	}
}

// readV2 reads the actions that only V2 checkpoints have.
func readV2(s *columnSet, rows int64, take func(action.Action)) {
	version := s.flat("checkpointMetadata", "version")
	path, size, modTime := s.flat("sidecar", "path"), s.flat("sidecar", "sizeInBytes"), s.flat("sidecar", "modificationTime")
	if s.err != nil || version.column == nil && path.column == nil {
		return
	}
	for range rows {
		if v, ok := version.int(); ok {
			take(action.Action{CheckpointMetadata: &action.CheckpointMetadata{Version: action.Version(v)}})
		}
		c := &action.Sidecar{}
		var ok bool
		c.Path, ok = path.str()
		c.SizeInBytes, _ = size.int()
		c.ModificationTime, _ = modTime.int()
		if ok && c.Path != "" {
			take(action.Action{Sidecar: c})
		}
	}
}
