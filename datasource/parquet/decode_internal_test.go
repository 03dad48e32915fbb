package parquet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/vector"
)

func padded(b []byte) []byte { return append(b, make([]byte, padBytes)...)[:len(b)] }

// genHybrid draws values of w bits and encodes them in random runs.
func genHybrid(t *rapid.T, w uint) (values []int32, encoded []byte) {
	for range rapid.IntRange(0, 6).Draw(t, "runs") {
		if rapid.Bool().Draw(t, "repeat") {
			n, v := rapid.IntRange(0, 100).Draw(t, "length"), rapid.Uint64Range(0, 1<<w-1).Draw(t, "value")
			encoded = binary.AppendUvarint(encoded, uint64(n)<<1)
			for k := uint(0); k < (w+7)/8; k++ {
				encoded = append(encoded, byte(v>>(8*k)))
			}
			for range n {
				values = append(values, int32(v))
			}
			continue
		}
		groups := rapid.IntRange(0, 12).Draw(t, "groups")
		encoded = binary.AppendUvarint(encoded, uint64(groups)<<1|1)
		packed := make([]byte, groups*int(w))
		for i := range groups * 8 {
			v := rapid.Uint64Range(0, 1<<w-1).Draw(t, "value")
			values = append(values, int32(v))
			for k := range int(w) {
				p := i*int(w) + k
				packed[p>>3] |= byte(v>>k&1) << (p & 7)
			}
		}
		encoded = append(encoded, packed...)
	}
	return values, padded(encoded)
}

func TestHybridReadsAndSkips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := uint(rapid.SampledFrom([]int{0, 1, 2, 3, 7, 8, 9, 17, 31, 32}).Draw(t, "width"))
		want, encoded := genHybrid(t, w)
		var h hybrid
		h.init(encoded, w)
		for len(want) > 0 {
			n := rapid.IntRange(1, len(want)).Draw(t, "n")
			if rapid.Bool().Draw(t, "skip") {
				if !h.skip(n) {
					t.Fatal("values are missing")
				}
			} else {
				got := make([]int32, n)
				if !h.read(got) || !slices.Equal(got, want[:n]) {
					t.Fatalf("got %v, want %v", got, want[:n])
				}
			}
			want = want[n:]
		}
		if h.read(make([]int32, 1)) {
			t.Fatal("a value too many")
		}
	})
}

func TestHybridBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, encoded := genHybrid(t, 1)
		var h hybrid
		h.init(encoded, 1)
		at := rapid.IntRange(0, 70).Draw(t, "at")
		got := vector.NewBitmap(at + len(want) + 64)
		for done := 0; done < len(want); {
			n := rapid.IntRange(1, len(want)-done).Draw(t, "n")
			ones := 0
			for _, v := range want[done : done+n] {
				ones += int(v)
			}
			count := rapid.Bool().Draw(t, "count")
			var c int
			var ok bool
			if count {
				c, ok = h.countOnes(n)
			} else {
				c, ok = h.readBits(got, at+done, n)
			}
			if !ok || c != ones {
				t.Fatalf("%d ones, want %d", c, ones)
			}
			for i := range n {
				if !count && got.Get(at+done+i) != (want[done+i] != 0) {
					t.Fatalf("bit %d is wrong", done+i)
				}
			}
			done += n
		}
	})
}

func TestSpreadPlacesValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, at := rapid.IntRange(0, 300).Draw(t, "n"), rapid.IntRange(0, 130).Draw(t, "at")
		percent := rapid.SampledFrom([]int{0, 10, 50, 95, 100}).Draw(t, "valid")
		valid := vector.NewBitmap(at + n)
		var dense []int64
		off := []int32{5}
		want := make([]int64, n)
		for i := range n {
			if rapid.IntRange(0, 99).Draw(t, "v") < percent {
				valid.Set(at + i)
				want[i] = int64(len(dense) + 100)
				dense = append(dense, want[i])
				off = append(off, off[len(off)-1]+int32(len(dense)))
			}
		}
		s := append(slices.Clone(dense), make([]int64, n-len(dense))...)
		spread(s, valid, at, len(dense))
		ends := slices.Clone(off)
		all := append(off, make([]int32, n+1-len(off))...)
		spreadOffsets(all, valid, at, len(dense))
		k := 0
		for i := range n {
			if valid.Get(at + i) {
				if s[i] != want[i] {
					t.Fatalf("row %d is %d, want %d", i, s[i], want[i])
				}
				k++
			}
			if all[i+1] != ends[k] {
				t.Fatalf("row %d ends at %d, want %d", i, all[i+1], ends[k])
			}
		}
	})
}

func TestReverseBitPacked(t *testing.T) {
	// The numbers 0 to 7 in 3 bits each, most significant bit first (parquet-format, Encodings.md, "Bit-packed (Deprecated)").
	var h hybrid
	if err := h.initLevels([]byte{0b00000101, 0b00111001, 0b01110111}, format.BitPacked, 7, 8); err != nil {
		t.Fatal(err)
	}
	got, ok := h.readLevels(nil, 8, 7)
	if !ok || !slices.Equal(got, []uint8{0, 1, 2, 3, 4, 5, 6, 7}) {
		t.Fatalf("got %v", got)
	}
	if err := h.initLevels([]byte{0b10110000}, format.BitPacked, 1, 5); err != nil {
		t.Fatal(err)
	}
	if got, ok := h.readLevels(nil, 5, 1); !ok || !slices.Equal(got, []uint8{1, 0, 1, 1, 0}) {
		t.Fatalf("got %v", got)
	}
	if h.initLevels([]byte{1}, format.BitPacked, 1, 9) == nil {
		t.Fatal("nine levels in a byte")
	}
}

func TestLegacyLZ4(t *testing.T) {
	want := bytes.Repeat([]byte("some text that repeats, "), 200)
	block := func(b []byte) []byte {
		out := make([]byte, lz4.CompressBlockBound(len(b)))
		n, err := new(lz4.Compressor).CompressBlock(b, out)
		if err != nil {
			t.Fatal(err)
		}
		return out[:n]
	}
	var hadoop []byte
	for _, part := range [][]byte{want[:1000], want[1000:]} {
		c := block(part)
		hadoop = binary.BigEndian.AppendUint32(hadoop, uint32(len(part)))
		hadoop = binary.BigEndian.AppendUint32(hadoop, uint32(len(c)))
		hadoop = append(hadoop, c...)
	}
	var frame bytes.Buffer
	w := lz4.NewWriter(&frame)
	if _, err := w.Write(want); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, src := range map[string][]byte{"hadoop": hadoop, "frame": frame.Bytes(), "block": block(want)} {
		got, err := decompress(format.Lz4, nil, src, len(want))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := decompress(format.Lz4, nil, src[:len(src)/2], len(want)); err == nil {
			t.Errorf("%s cut in half was read", name)
		}
	}
}

// A page that promises or makes more than its header says must fail early.
func TestDecompressionBombs(t *testing.T) {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := enc.EncodeAll(make([]byte, 64<<20), nil)
	for _, c := range []struct {
		codec format.CompressionCodec
		src   []byte
		size  int
	}{
		{format.Zstd, bomb, 1000},
		{format.Zstd, append(bytes.Clone(bomb), bomb...), 64 << 20},
		{format.Zstd, []byte("nothing of the kind"), 400 << 20},
		{format.Snappy, binary.AppendUvarint(nil, 400<<20), 400 << 20},
		{format.Gzip, []byte("nothing"), 400 << 20},
		{format.Brotli, []byte("nothing"), 400 << 20},
		{format.Lz4Raw, []byte("nothing"), 400 << 20},
		{format.Lz4, []byte("nothing"), 400 << 20},
		{format.Uncompressed, []byte("nothing"), 400 << 20},
	} {
		var e *CorruptError
		if _, err := decompress(c.codec, nil, c.src, c.size); !errors.As(err, &e) {
			t.Errorf("%s of %d bytes as %d: %v", c.codec, len(c.src), c.size, err)
		}
	}
	got, err := decompress(format.Zstd, nil, bomb, 64<<20)
	if err != nil || len(got) != 64<<20 {
		t.Errorf("an honest page that compresses well: %d bytes, %v", len(got), err)
	}
}

func TestPrefixBomb(t *testing.T) {
	// 2000 values, each the whole of the one before.
	var lengths [2][]byte
	for k, first := range []int64{0, 1 << 20} {
		b := binary.AppendUvarint(nil, 128)
		b = binary.AppendUvarint(b, 4)
		b = binary.AppendUvarint(b, 2000)
		b = binary.AppendVarint(b, first)
		b = binary.AppendVarint(b, 0)
		lengths[k] = b
	}
	var a byteArrays
	b := padded(append(append(lengths[0], lengths[1]...), make([]byte, 1<<20)...))
	if err := a.decodeDeltaStrings(b, 2000, 1<<21); err == nil {
		t.Fatal("values beyond the limit were decoded")
	}
	if cap(a.buf) > 8<<20 {
		t.Fatalf("%d bytes were allocated", cap(a.buf))
	}
}

func TestDeltaHeadersAreChecked(t *testing.T) {
	for _, h := range [][]uint64{{0, 4, 10}, {128, 0, 10}, {128, 3, 10}, {1 << 20, 4, 10}, {128, 4, 1 << 40}, {128, 64, 10}} {
		var b []byte
		for _, u := range h {
			b = binary.AppendUvarint(b, u)
		}
		if _, _, err := decodeDelta(nil, padded(append(b, 0, 0, 99, 99, 99, 99)), 1000); err == nil {
			t.Errorf("header %v was accepted", h)
		}
	}
}

func TestInt96Extremes(t *testing.T) {
	for _, c := range []struct {
		day   int32
		nanos int64
		want  int64
		ok    bool
	}{
		{2440588, 0, 0, true},
		{1721426, 0, -62135596800e6, true},                         // 0001-01-01
		{5373484, 86399999999999, 253402300799999999, true},        // 9999-12-31 23:59:59.999999
		{2440587, 86399999999999, -1, true},                        // the last microsecond before 1970
		{2440588, -1, -1, true},                                    // nanoseconds below zero round down
		{math.MaxInt32, 0, 0, false}, {math.MinInt32, 0, 0, false}, // beyond microseconds in 64 bits
		{2440588, math.MaxInt64, 0, false}, {2440588, math.MinInt64, 0, false},
	} {
		b := binary.LittleEndian.AppendUint64(nil, uint64(c.nanos))
		b = binary.LittleEndian.AppendUint32(b, uint32(c.day))
		var out [1]int64
		if err := int96(out[:], b); (err == nil) != c.ok || (c.ok && out[0] != c.want) {
			t.Errorf("day %d, %d ns: %d, %v; want %d", c.day, c.nanos, out[0], err, c.want)
		}
	}
}

func TestDecimalBytes(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		want string
		ok   bool
	}{
		{[]byte{0xff}, "-1", true}, {[]byte{0, 0xff}, "255", true}, {[]byte{0x80, 0}, "-32768", true},
		{slices.Repeat([]byte{0xff}, 20), "-1", true},
		{append(make([]byte, 4), bytes.Repeat([]byte{0x7f}, 16)...), "169473963133173273960190490760135540607", true},
		{append(make([]byte, 4), bytes.Repeat([]byte{0x80}, 16)...), "", false},
		{[]byte{}, "", false}, {append([]byte{1}, make([]byte, 16)...), "", false},
	} {
		x, ok := int128FromBytes(c.b)
		if ok != c.ok || (ok && string(x.AppendDecimal(nil, 0)) != c.want) {
			t.Errorf("%x is %s, %v", c.b, x.AppendDecimal(nil, 0), ok)
		}
	}
}

func TestFloat16(t *testing.T) {
	for h, want := range map[uint16]float64{0: 0, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0001: math.Ldexp(1, -24), 0x7c00: math.Inf(1), 0xfc00: math.Inf(-1)} {
		if got := float16(h); got != want {
			t.Errorf("%#x is %v, want %v", h, got, want)
		}
	}
	if !math.IsNaN(float16(0x7e00)) || !math.Signbit(float16(0x8000)) {
		t.Error("NaN or negative zero is lost")
	}
}

// The deprecated min and max are in signed order: good for numbers, not for strings and unsigned numbers.
func TestDeprecatedBounds(t *testing.T) {
	le := func(x int32) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(x)) }
	for _, c := range []struct {
		name  string
		leaf  leaf
		stats chunkStats
		want  string
	}{
		{"int32", leaf{typ: format.Int32}, chunkStats{min: le(-5), max: le(7)}, "-5 7"},
		{"unsigned", leaf{typ: format.Int32, annot: annotation{kind: annotInt, bits: 32, unsigned: true}}, chunkStats{min: le(-5), max: le(7)}, "NULL NULL"},
		{"unsigned, ordered", leaf{typ: format.Int32, annot: annotation{kind: annotInt, bits: 32, unsigned: true}, ordered: true}, chunkStats{minValue: le(5), maxValue: le(-1)}, "5 4294967295"},
		{"string", leaf{typ: format.ByteArray, annot: annotation{kind: annotString}}, chunkStats{min: []byte("a"), max: []byte("b")}, "NULL NULL"},
		{"string of unknown order", leaf{typ: format.ByteArray, annot: annotation{kind: annotString}}, chunkStats{minValue: []byte("a"), maxValue: []byte("b")}, "NULL NULL"},
		{"string, ordered", leaf{typ: format.ByteArray, annot: annotation{kind: annotString}, ordered: true}, chunkStats{minValue: []byte(""), maxValue: []byte("b")}, `"" "b"`},
		{"one bound", leaf{typ: format.Int32, ordered: true}, chunkStats{minValue: le(1)}, "NULL NULL"},
		{"wrong width", leaf{typ: format.Int32, ordered: true}, chunkStats{minValue: le(1), maxValue: []byte{1}}, "NULL NULL"},
		{"upside down", leaf{typ: format.Int32, ordered: true}, chunkStats{minValue: le(2), maxValue: le(1)}, "NULL NULL"},
		{"NaN", leaf{typ: format.Float, ordered: true}, chunkStats{minValue: le(0x7fc00000), maxValue: le(0)}, "NULL NULL"},
		{"int96", leaf{typ: format.Int96, ordered: true}, chunkStats{minValue: make([]byte, 12), maxValue: make([]byte, 12)}, "NULL NULL"},
		{"interval", leaf{typ: format.FixedLenByteArray, typeLen: 12, annot: annotation{kind: annotOther}, ordered: true}, chunkStats{minValue: make([]byte, 12), maxValue: make([]byte, 12)}, "NULL NULL"},
	} {
		conv, err := newConverter(&c.leaf, c.leaf.naturalType())
		if err != nil {
			t.Fatal(err)
		}
		b := newBounds(&projected{leaf: &c.leaf, conv: conv}, 1)
		c.stats.nullCount = -1
		b.addChunk(0, &rowGroupMeta{numRows: 10, columns: []chunkMeta{{stats: &c.stats}}})
		if got := b.stats.Min.Value(0).String() + " " + b.stats.Max.Value(0).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A few bytes may say that millions of NULLs follow, page after page: what is held at once is limited.
func TestLevelBomb(t *testing.T) {
	levels := binary.AppendUvarint(nil, maxPageValues<<1)
	levels = append(levels, 0)
	body := append(binary.LittleEndian.AppendUint32(nil, uint32(len(levels))), levels...)
	page := []byte{0x15, 0, 0x15, byte(len(body) * 2), 0x15, byte(len(body) * 2), 0x2c, 0x15}
	page = binary.AppendUvarint(page, maxPageValues<<1)
	page = append(append(page, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0), body...)
	data := append([]byte("PAR1"), bytes.Repeat(page, 50)...)
	l := &leaf{path: []string{"a"}, typ: format.Int32, maxDef: 1}
	f := &File{r: bytesReader(data), size: int64(len(data)), opts: OpenOptions{}.ensureDefaults(), leaves: []*leaf{l}, meta: &fileMeta{rowGroups: []rowGroupMeta{{
		numRows: 1 << 35, columns: []chunkMeta{{meta: true, typ: format.Int32, dataOffset: 4, compressedSize: int64(len(data) - 4)}}}}}}
	var u *UnsupportedError
	if _, err := f.ReadLeaf(t.Context(), 0, 0); !errors.As(err, &u) {
		t.Fatalf("got %v", err)
	}
}

type bytesReader []byte

func (b bytesReader) ReadRange(_ context.Context, off int64, p []byte) error {
	copy(p, b[off:])
	return nil
}

// TestMarks: passing over plain byte arrays by their marks ends where passing over each of them does, and ends with an error behind the last.
func TestMarks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, count := range []int{0, 1, 63, 64, 65, 1000} {
		var data []byte
		for range count {
			n := rng.IntN(20)
			data = append(binary.LittleEndian.AppendUint32(data, uint32(n)), make([]byte, n)...)
		}
		marks := marksOf(data)
		for n := range count + 130 {
			slow, fast := valueReader{kind: valuesPlain, plain: data}, valueReader{kind: valuesPlain, plain: data, marks: marks}
			errSlow, errFast := slow.skip(n), fast.skip(n)
			if (errSlow == nil) != (errFast == nil) || errSlow == nil && len(slow.plain) != len(fast.plain) {
				t.Fatalf("%d of %d: %d bytes left, %v; by marks %d, %v", n, count, len(slow.plain), errSlow, len(fast.plain), errFast)
			}
		}
		if cut := marksOf(data[:len(data)/2]); len(cut) > 0 && int(cut[len(cut)-1]) > len(data)/2 {
			t.Errorf("%d: a mark behind the end", count)
		}
	}
}

func TestLengthsThatOverflowAreRefused(t *testing.T) {
	for _, lengths := range [][]int64{{5, math.MaxInt64}, {1, math.MaxInt64, math.MinInt64}, {math.MaxInt64, math.MaxInt64}} {
		b := binary.AppendUvarint(nil, 128)
		b = binary.AppendUvarint(b, 1)
		b = binary.AppendUvarint(b, uint64(len(lengths)))
		b = binary.AppendVarint(b, lengths[0])
		b = append(binary.AppendVarint(b, 0), 64) // no least difference, and 64 bits for each
		for i := range 128 {
			var d int64
			if i+1 < len(lengths) {
				d = lengths[i+1] - lengths[i]
			}
			b = binary.LittleEndian.AppendUint64(b, uint64(d))
		}
		var a byteArrays
		if err := a.decodeDeltaLength(padded(append(b, "some bytes"...)), 10); err == nil {
			t.Errorf("lengths %v were accepted", lengths)
		}
	}
}

// Arrow before 4.0 compared decimals of bytes wrongly: -1 was its greatest of 1, 128 and -1.
func TestDecimalsOfOldArrowHaveNoBounds(t *testing.T) {
	for writer, ordered := range map[string]bool{
		"parquet-cpp version 1.5.1-SNAPSHOT": false, "parquet-cpp-arrow version 3.0.0": false, "parquet-cpp-arrow version 4.0.0": true,
		"parquet-cpp-arrow version 22.0.0": true, "parquet-mr version 1.10.1": true, "parquet-cpp-arrow version ": true, "": true,
	} {
		decimal := schemaElement{typ: format.FixedLenByteArray, hasType: true, typeLen: 9, name: "d", logical: annotation{kind: annotDecimal, precision: 20}}
		text := schemaElement{typ: format.ByteArray, hasType: true, name: "s", logical: annotation{kind: annotString}}
		m := &fileMeta{schema: []schemaElement{{name: "root", numChildren: 2}, decimal, text}, orders: []bool{true, true}, createdBy: writer}
		_, leaves, err := buildSchema(m)
		if err != nil {
			t.Fatal(err)
		}
		if leaves[0].ordered != ordered || !leaves[1].ordered {
			t.Errorf("%q: bounds of decimals are used: %v, of strings: %v", writer, leaves[0].ordered, leaves[1].ordered)
		}
	}
}
