package expr

import (
	"fmt"
	"strings"
	"time"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// zone converts between instants and the clock of one location; it remembers the last span of constant offset.
type zone struct {
	loc        *time.Location
	start, end int64 // microseconds UTC within which offset holds
	offset     int64 // microseconds east of UTC
}

// toLocal returns the clock's microseconds at an instant.
func (z *zone) toLocal(us int64) int64 {
	if z.loc == time.UTC {
		return us
	}
	if us < z.start || us >= z.end || z.start == z.end {
		z.lookup(us)
	}
	return us + z.offset
}

const farMicros = 1 << 62

func (z *zone) lookup(us int64) {
	t := time.UnixMicro(us).In(z.loc)
	_, off := t.Zone()
	z.offset = int64(off) * types.MicrosPerSecond
	from, to := t.ZoneBounds()
	z.start, z.end = -farMicros, farMicros
	if !from.IsZero() {
		z.start = from.UnixMicro()
	}
	if !to.IsZero() {
		z.end = to.UnixMicro()
	}
}

// toInstant returns the instant at which the clock shows local. A clock time that a change skips is taken with the
// offset before the change; of two instants with the same clock time it is the earlier one.
func (z *zone) toInstant(local int64) int64 {
	if z.loc == time.UTC {
		return local
	}
	const day = types.MicrosPerDay
	if guess := local - z.offset; z.start < z.end && guess >= z.start+day && guess < z.end-day {
		return guess
	}
	z.lookup(local - day)
	before := z.offset
	if guess := local - before; guess < z.end {
		return guess
	}
	z.lookup(local + day)
	if guess := local - z.offset; guess >= z.start {
		return guess
	}
	return local - before
}

// zone returns the session's zone.
func (c *EvalCtx) zone() *zone {
	if c.tz.loc != c.Env.Location {
		c.tz = zone{loc: c.Env.Location}
	}
	return &c.tz
}

// local returns the clock time of a Timestamp in the session's zone, or a TimestampNTZ itself.
func (c *EvalCtx) local(t types.Type, us int64) int64 {
	if t.Kind == types.Timestamp {
		return c.zone().toLocal(us)
	}
	return us
}

// Local converts an instant to the session's clock.
func (c *EvalCtx) Local(us int64) int64 { return c.zone().toLocal(us) }

// Instant converts the session's clock to an instant.
func (c *EvalCtx) Instant(local int64) int64 { return c.zone().toInstant(local) }

// fromLocal is the inverse of local.
func (c *EvalCtx) fromLocal(t types.Type, us int64) int64 {
	if t.Kind == types.Timestamp {
		return c.zone().toInstant(us)
	}
	return us
}

func (k *caster) toTemporal(a *vector.Vector, n int, sel []uint16) (*vector.Vector, error) {
	out := k.c.Out(k.to, n)
	k.c.ownValid(out, a)
	var buf []byte
	err := k.each(a, n, sel, func(i int) error {
		var x int64
		ok := true
		switch {
		case k.from.IsTemporal():
			x = k.temporal(a.Int(i))
			if k.skipped(x, a.Int(i)) {
				if err := k.badTime(strings.Trim(types.Value{Type: k.from, Valid: true, I: a.Int(i)}.String(), "'"), false); err != nil {
					return err
				}
			}
		default:
			if k.from.IsBytes() {
				buf = append(buf[:0], k.text(a, i)...)
			} else if k.from.IsFloat() {
				buf = types.AppendFloat(buf[:0], a.Float(i), 64)
			} else {
				d, scale := k.exact(a, i)
				buf = d.AppendDecimal(buf[:0], scale)
			}
			var clean bool
			x, ok, clean = k.parse(string(buf))
			if ok && clean && k.to.Kind == types.Timestamp {
				clean = !k.skippedText(x, string(buf))
			}
			if !ok || !clean {
				if err := k.badTime(string(buf), ok); err != nil {
					return err
				}
			}
		}
		switch {
		case !ok:
			k.c.SetNull(out, i)
		case out.Phys == types.PhysI32:
			out.I32[i] = int32(x)
		default:
			out.I64[i] = x
		}
		return nil
	})
	return out, err
}

// skipped reports whether the clock time that is stored as the instant x is none of the session's zone: the clock was put
// forward over it.
func (k *caster) skipped(x, from int64) bool {
	if k.store == nil || k.to.Kind != types.Timestamp || k.from.Kind == types.Timestamp || k.from.Kind == types.Time || k.c.zone().loc == time.UTC {
		return false
	}
	if k.from.Kind == types.Date {
		from *= types.MicrosPerDay
	}
	return k.c.zone().toLocal(x) != from
}

func (k *caster) skippedText(x int64, s string) bool {
	if k.store == nil || k.c.zone().loc == time.UTC {
		return false
	}
	d, _ := types.ParseDatetime(s)
	return !d.HasZone && k.c.zone().toLocal(x) != d.Micros
}

// badTime reports text that is no date or time, or has something after it.
func (k *caster) badTime(s string, cut bool) error {
	word := typeWord(k.to)
	switch {
	case k.store != nil:
		return k.storeError(CodeWrongValue, s, "Incorrect %s value: '%s' for column '%s' at row %d", word, shorten(s), k.store.column, k.row)
	case cut:
		k.c.Warn(CodeWrongValue, fmt.Sprintf("Truncated incorrect %s value: '%s'", word, shorten(s)))
	default:
		k.c.Warn(CodeWrongValue, fmt.Sprintf("Incorrect %s value: '%s'", word, shorten(s)))
	}
	return nil
}

// parse reads the target from text.
func (k *caster) parse(s string) (x int64, ok, clean bool) {
	if k.to.Kind == types.Time {
		x, ok = types.ParseTime(s)
		return x, ok, true
	}
	d, ok := types.ParseDatetime(s)
	if !ok {
		return 0, false, true
	}
	us := d.Micros
	if d.HasZone && k.to.Kind != types.Timestamp {
		us = k.c.zone().toLocal(us)
	}
	switch {
	case k.to.Kind == types.Date:
		day, _ := types.FloorDiv(us, types.MicrosPerDay)
		return day, true, d.Clean || d.HasTime && s[len(s)-1] >= '0' && s[len(s)-1] <= '9'
	case k.to.Kind == types.Timestamp && !d.HasZone:
		us = k.c.zone().toInstant(us)
	}
	return us, true, d.Clean || s[len(s)-1] >= '0' && s[len(s)-1] <= '9'
}

// temporal converts between temporal types.
func (k *caster) temporal(x int64) int64 {
	var us int64 // local clock
	switch k.from.Kind {
	case types.Date:
		us = x * types.MicrosPerDay
	case types.Time:
		if k.to.Kind == types.Time {
			return x
		}
		today, _ := types.FloorDiv(k.c.zone().toLocal(k.c.Env.Now.UnixMicro()), types.MicrosPerDay)
		us = today*types.MicrosPerDay + x
	default:
		us = k.c.local(k.from, x)
	}
	switch k.to.Kind {
	case types.Date:
		day, _ := types.FloorDiv(us, types.MicrosPerDay)
		return day
	case types.Time:
		_, rest := types.FloorDiv(us, types.MicrosPerDay)
		return rest
	}
	return k.c.fromLocal(k.to, us)
}

// LocalToInstant returns the microseconds since 1970 UTC at which a clock in loc shows local.
func LocalToInstant(loc *time.Location, local int64) int64 {
	z := zone{loc: loc}
	return z.toInstant(local)
}

// InstantToLocal returns what a clock in loc shows, in microseconds, at an instant.
func InstantToLocal(loc *time.Location, us int64) int64 {
	z := zone{loc: loc}
	return z.toLocal(us)
}
