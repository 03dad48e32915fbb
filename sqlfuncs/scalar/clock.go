package scalar

import (
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones must be known wherever the one binary runs

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

func init() {
	register("temporal",
		spec{name: "now", aliases: []string{"current_timestamp", "localtime", "localtimestamp", "sysdate"}, sig: "now([digits])",
			doc: "The time at which the statement began, in the session's zone, to whole seconds or the given digits.", args: "?i", ret: tNTZ, env: true,
			row: func(r *Row) error { return r.RetInt(cutClock(r, r.Ctx.Local(r.Ctx.Env.Now.UnixMicro()))) }},
		spec{name: "utc_timestamp", sig: "utc_timestamp([digits])", doc: "The time at which the statement began, in UTC.", args: "?i", ret: tNTZ, env: true,
			row: func(r *Row) error { return r.RetInt(cutClock(r, r.Ctx.Env.Now.UnixMicro())) }},
		spec{name: "curdate", aliases: []string{"current_date"}, sig: "curdate()", doc: "Today in the session's zone.", ret: tDate, env: true, row: func(r *Row) error {
			d, _ := types.FloorDiv(r.Ctx.Local(r.Ctx.Env.Now.UnixMicro()), types.MicrosPerDay)
			return r.RetInt(d)
		}},
		spec{name: "utc_date", sig: "utc_date()", doc: "Today in UTC.", ret: tDate, env: true, row: func(r *Row) error {
			d, _ := types.FloorDiv(r.Ctx.Env.Now.UnixMicro(), types.MicrosPerDay)
			return r.RetInt(d)
		}},
		spec{name: "curtime", aliases: []string{"current_time"}, sig: "curtime([digits])", doc: "The time of day in the session's zone.", args: "?i", ret: tTime, env: true, row: func(r *Row) error {
			_, us := types.FloorDiv(r.Ctx.Local(r.Ctx.Env.Now.UnixMicro()), types.MicrosPerDay)
			return r.RetInt(cutClock(r, us))
		}},
		spec{name: "utc_time", sig: "utc_time([digits])", doc: "The time of day in UTC.", args: "?i", ret: tTime, env: true, row: func(r *Row) error {
			_, us := types.FloorDiv(r.Ctx.Env.Now.UnixMicro(), types.MicrosPerDay)
			return r.RetInt(cutClock(r, us))
		}},
		spec{name: "unix_timestamp", sig: "unix_timestamp([d])", doc: "Seconds since 1970 of a datetime in the session's zone, or of now; DECIMAL(20,6) unless d is a date or a literal without a fraction; 0 outside of MySQL's range.",
			args: "?S", env: true, typ: unixType, row: unixTimestamp},
		spec{name: "from_unixtime", sig: "from_unixtime(n[, format])", doc: "Seconds since 1970 as a datetime in the session's zone, or as text by a pattern.", args: "n?s", env: true, nullsOut: true,
			typ: func(args []expr.Expr) types.Type {
				if len(args) > 1 {
					return tString
				}
				return tNTZ
			}, row: fromUnixtime},
		spec{name: "convert_tz", sig: "convert_tz(d, from, to)", doc: "A datetime moved from one zone to another, named or as +hh:mm; NULL for a zone that is not known.",
			args: "Tss", ret: tNTZ, nullsOut: true, env: true, row: convertTZ},
	)
	unix := expr.Lookup("unix_timestamp")
	plain := unix.Resolve
	unix.Resolve = func(args []expr.Expr) ([]expr.Expr, types.Type, bool, error) {
		whole := len(args) == 1 && isWholeSecond(args[0])
		out, t, null, err := plain(args)
		if whole {
			t = tInt
		}
		return out, t, null, err
	}
}

// cutClock cuts a time to the digits of a second that operand 0 names.
func cutClock(r *Row, us int64) int64 {
	d := 0
	if r.N() > 0 {
		d = int(max(0, min(r.Int(0), 6)))
	}
	p := types.Pow10Int64(6 - d)
	q, _ := types.FloorDiv(us, p)
	return q * p
}

func unixType(args []expr.Expr) types.Type {
	if len(args) == 0 {
		return tInt
	}
	return tMicros
}

// isWholeSecond reports whether an operand certainly has no fraction of a second.
func isWholeSecond(e expr.Expr) bool {
	if s, ok := constString(e); ok {
		return !strings.Contains(s, ".")
	}
	return e.Type().Kind == types.Date || e.Type().IsInteger()
}

// maxUnix is the last second that MySQL's functions convert: 3001-01-18 23:59:59 UTC.
const maxUnix = 32536771199

func unixTimestamp(r *Row) error {
	us := r.Ctx.Env.Now.UnixMicro()
	if r.N() > 0 {
		us = r.Int(0)
	}
	if us < 0 || us >= (maxUnix+1)*types.MicrosPerSecond {
		us = 0
	}
	if r.out.Type.Kind == types.Decimal {
		return r.RetDec(types.Int128From(us))
	}
	return r.RetInt(us / types.MicrosPerSecond)
}

func fromUnixtime(r *Row) error {
	us := r.micros(0)
	if us < 0 || us >= (maxUnix+1)*types.MicrosPerSecond {
		return r.Null()
	}
	us = r.Ctx.Local(us)
	if r.N() > 1 {
		return r.RetBuf(appendFormat(r.Buf(), us, r.Str(1)))
	}
	return r.RetInt(us)
}

// zones caches loaded locations by name; names come from queries, so it is bounded.
var zones = struct {
	sync.Mutex
	byName map[string]*time.Location
}{byName: map[string]*time.Location{}}

const maxZones = 1024

// loadZone returns a zone by name or offset; ok is false if there is none.
func loadZone(name string, session *time.Location) (*time.Location, bool) {
	switch {
	case strings.EqualFold(name, "system"):
		return session, true
	case len(name) >= 5 && (name[0] == '+' || name[0] == '-'):
		return offsetZone(name)
	case name == "" || len(name) > 64 || strings.EqualFold(name, "local"):
		return nil, false
	}
	zones.Lock()
	defer zones.Unlock()
	if loc, ok := zones.byName[name]; ok {
		return loc, loc != nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		loc = nil
	}
	if len(zones.byName) < maxZones {
		zones.byName[name] = loc
	}
	return loc, loc != nil
}

// offsetZone reads [+-]h[h]:mm, at most 14 hours.
func offsetZone(name string) (*time.Location, bool) {
	h, m, ok := strings.Cut(name[1:], ":")
	hours, err1 := strconv.ParseUint(h, 10, 8)
	minutes, err2 := strconv.ParseUint(m, 10, 8)
	if !ok || err1 != nil || err2 != nil || len(m) != 2 || minutes > 59 || hours*60+minutes > 14*60 {
		return nil, false
	}
	sec := int(hours*3600 + minutes*60)
	if name[0] == '-' {
		sec = -sec
	}
	return time.FixedZone(name, sec), true
}

func convertTZ(r *Row) error {
	from, ok1 := loadZone(string(r.Str(1)), r.Ctx.Env.Location)
	to, ok2 := loadZone(string(r.Str(2)), r.Ctx.Env.Location)
	if !ok1 || !ok2 {
		return r.Null()
	}
	us := r.Int(0)
	instant := expr.LocalToInstant(from, us)
	if instant < types.MicrosPerSecond || instant >= (maxUnix+1)*types.MicrosPerSecond {
		return r.RetInt(us) // outside of TIMESTAMP's range MySQL does not convert
	}
	return r.RetInt(expr.InstantToLocal(to, instant))
}
