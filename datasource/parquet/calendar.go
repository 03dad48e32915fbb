package parquet

import (
	"time"

	"github.com/parquet-go/parquet-go/format"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// Spark before 3.0, and a later one that is told to (spark.sql.parquet.datetimeRebaseModeInWrite and int96RebaseModeInWrite
// LEGACY), stores days and instants by the calendar of old Java: Julian before 1582-10-15, and before 1900 with the offset
// that the writer's zone has today. The footer says so. What Delta's log says of such a file is by the calendar of today.

// The keys of the footer's metadata.
const (
	sparkVersion = "org.apache.spark.version"
	sparkDates   = "org.apache.spark.legacyDateTime"
	sparkInt96   = "org.apache.spark.legacyINT96"
	sparkZone    = "org.apache.spark.timeZone"
)

const (
	gregorianDay = -141427                       // 1582-10-15: from here on days agree
	modernMicros = -2208988800_000_000           // 1900-01-01 UTC: from here on instants agree
	orderMicros  = modernMicros + 2*microsPerDay // no older instant is moved past this one
	marchDay     = julianEpoch - 1 + 32083       // of 1970-01-01, counted from 1 March of the Julian year -4800
)

// calendar is that of old Java, in the writer's zone.
type calendar struct {
	dates, int96 bool // what is stored by it
	zone         *time.Location
	offset       int64 // seconds east of UTC that old Java takes for all times before 1900
}

// legacyCalendar returns the calendar that the footer names; nil for today's. The zone of a writer that names none, or one
// that is not known, is taken for UTC.
func (m *fileMeta) legacyCalendar() *calendar {
	version, spark := m.keyValue[sparkVersion]
	_, dates := m.keyValue[sparkDates]
	_, int96 := m.keyValue[sparkInt96]
	c := &calendar{dates: dates || version < "3.0.0", int96: int96 || version < "3.1.0", zone: time.UTC}
	if !spark || !c.dates && !c.int96 {
		return nil
	}
	if zone, err := time.LoadLocation(m.keyValue[sparkZone]); err == nil && zone != time.Local {
		c.zone = zone
	}
	c.offset = standardOffset(c.zone)
	return c
}

// standardOffset returns the offset of a zone without daylight saving time; Morocco's is that of Ramadan.
func standardOffset(zone *time.Location) int64 {
	least := 86400
	for week := range 53 {
		_, offset := time.Date(2024, 1, 1+7*week, 0, 0, 0, 0, zone).Zone()
		least = min(least, offset)
	}
	return int64(least)
}

// rebased returns the conversion of a leaf whose values are stored by the calendar of old Java; c where they are not.
func (c *converter) rebased(l *leaf) *converter {
	if l.calendar == nil {
		return c
	}
	stored := false
	switch {
	case l.typ == format.Int96:
		stored = l.calendar.int96 && c.want.Kind == types.Timestamp
	case l.annot.kind == annotDate:
		stored = l.calendar.dates
	case l.annot.kind == annotTimestamp:
		stored = l.calendar.dates && c.want.Kind == types.Timestamp
	}
	if !stored {
		return c
	}
	return &converter{kind: convRebased, want: c.want, phys: c.phys, width: c.width, stored: c, calendar: l.calendar}
}

// rebase is fixed for values that are stored by the calendar of old Java.
func (c *converter) rebase(dst *vector.Vector, at int, src []byte, n int) error {
	if err := c.stored.fixed(dst, at, src, n); err != nil {
		return err
	}
	switch {
	case c.want.Kind == types.Date:
		for i, day := range dst.I32[at : at+n] {
			dst.I32[at+i] = int32(rebaseDay(int64(day)))
		}
	case c.stored.kind == convWiden32: // days that became timestamps
		for i, micros := range dst.I64[at : at+n] {
			dst.I64[at+i] = rebaseDay(micros/microsPerDay) * microsPerDay
		}
	default:
		for i, micros := range dst.I64[at : at+n] {
			if micros < modernMicros {
				dst.I64[at+i] = c.calendar.rebaseMicros(micros)
			}
		}
	}
	return nil
}

// unordered reports whether instants about v may be in another order than they are stored in: the offset of a zone changed.
func (c *converter) unordered(v types.Value) bool {
	return c.kind == convRebased && c.want.Kind == types.Timestamp && v.I < orderMicros
}

// rebaseDay returns the day that has in today's calendar the year, month and day that the given one has in old Java's;
// 29 February is 1 March in years that have none today. It never turns the order of days.
func rebaseDay(day int64) int64 {
	if day >= gregorianDay {
		return day
	}
	c := day + marchDay // E. G. Richards, Mapping Time, chapter 25
	year := floorDiv(4*c+3, 1461)
	e := c - floorDiv(1461*year, 4)
	m := (5*e + 2) / 153 // months since March
	first := time.Date(int(year-4800), time.Month(m+3), 1, 0, 0, 0, 0, time.UTC)
	return floorDiv(first.Unix(), 86400) + e - (153*m+2)/5
}

// rebaseMicros returns the instant at which the writer's zone had the date and time that old Java shows for the given one.
func (c *calendar) rebaseMicros(micros int64) int64 {
	second := floorDiv(micros, 1_000_000)
	local := second + c.offset
	day := floorDiv(local, 86400)
	local += (rebaseDay(day) - day) * 86400
	return c.instant(local)*1_000_000 + micros - second*1_000_000
}

// instant returns the second at which the zone's clocks show local: the later one of two, and where they were put forward
// past it, that by the offset before.
func (c *calendar) instant(local int64) int64 {
	at := func(second int64) int64 {
		_, offset := time.Unix(second, 0).In(c.zone).Zone()
		return int64(offset)
	}
	before, after := at(local-2*86400), at(local+2*86400)
	if at(local-after) == after {
		return local - after
	}
	return local - before
}
