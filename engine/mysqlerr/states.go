package mysqlerr

import "github.com/dolthub/vitess/go/mysql"

// states holds the SQLSTATE of each code that has one of its own (MySQL 8.0 Error Message Reference).
var states = map[int]string{
	1022: "23000", 1040: "08004", 1044: "42000", 1045: "28000", 1046: "3D000", 1047: "08S01", 1048: "23000", 1049: "42000",
	1050: "42S01", 1051: "42S02", 1052: "23000", 1053: "08S01", 1054: "42S22", 1055: "42000", 1056: "42000", 1060: "42S21",
	1062: "23000", 1064: "42000", 1065: "42000", 1066: "42000", 1067: "42000", 1068: "42000", 1072: "42000", 1091: "42000",
	1103: "42000", 1109: "42S02", 1110: "42000", 1113: "42000", 1166: "42000", 1115: "42000", 1136: "21S01", 1139: "42000", 1140: "42000", 1141: "42000",
	1142: "42000", 1146: "42S02", 1153: "08S01", 1172: "42000", 1173: "42000", 1213: "40001", 1222: "21000", 1226: "42000",
	1227: "42000", 1231: "42000", 1232: "42000", 1235: "42000", 1241: "21000", 1242: "21000", 1248: "42000", 1264: "22003",
	1265: "01000", 1292: "22007", 1305: "42000", 1317: "70100", 1318: "42000", 1365: "22012", 1406: "22001", 1410: "42000",
	1451: "23000", 1452: "23000", 1568: "25001", 1582: "42000", 1690: "22003", 1792: "25006", 1835: "08S01", 3020: "2201E", 3140: "22032",
	3141: "22032", 3143: "42000", 3146: "22032", 3158: "22032", 1038: "HY001", 1143: "42000", 1144: "42000", 1147: "42000", 1250: "42000",
	1253: "42000", 1261: "01000", 1262: "01000", 1327: "42000", 1426: "42000", 1427: "42000", 3057: "42000", 3948: "42000",
}

// State returns the SQLSTATE of a MySQL error code.
func State(code int) string {
	if s, ok := states[code]; ok {
		return s
	}
	return mysql.SSUnknownSQLState
}

// Entry is a line of the documentation of errors.
type Entry struct {
	Code  int
	State string
	Error string // the type of the error, or the kind of the host's
	When  string
	// Example is a statement that fails so; empty where no statement alone does.
	Example string
}

// Entries lists the codes of featuresql's own errors.
func Entries() []Entry {
	out := make([]Entry, len(ownRows), len(ownRows)+len(shortages))
	for i, r := range ownRows {
		out[i] = Entry{r.code, State(r.code), r.typ, r.when, r.example}
	}
	for _, s := range shortages {
		out = append(out, Entry{Code: s.code, State: State(s.code), Error: "syscall.Errno", When: s.when})
	}
	return out
}
