parse
SELECT * FROM labels l ASOF JOIN features f ON l.k = f.k AND l.ts >= f.ts
----
SELECT * FROM labels l JOIN features f ON featuresql_asof() AND l.k = f.k AND l.ts >= f.ts
select * from labels as l join features as f on l.k = f.k and InjectedExpr

parse
SELECT * FROM labels l ASOF LEFT OUTER JOIN features VERSION AS OF 7 f ON f.ts < l.ts AND l.k = f.k WHERE l.a > 1
----
SELECT * FROM labels l LEFT OUTER JOIN features AS OF featuresql_version | 7 f ON featuresql_asof() AND f.ts < l.ts AND l.k = f.k WHERE l.a > 1
select * from labels as l left join features as of InjectedExpr as f on InjectedExpr and l.k = f.k where l.a > 1

parse
SELECT * FROM labels ASOF JOIN f ON labels.k = f.k AND labels.ts >= f.ts LEFT ASOF JOIN g ON 1
----
error (*parser.SyntaxError): You have an error in your SQL syntax: ASOF JOIN needs a comparison of times (>=, >, <= or <) in ON, joined by AND

parse
SELECT * FROM l ASOF JOIN f ON l.k = f.k AND l.ts > f.ts ASOF LEFT JOIN g AS OF ? ON l.k = g.k AND (l.ts >= g.ts) JOIN h ON h.a > g.a
----
SELECT * FROM l JOIN f ON featuresql_asof() AND l.k = f.k AND l.ts > f.ts LEFT JOIN g AS OF ? ON featuresql_asof() AND l.k = g.k AND (l.ts >= g.ts) JOIN h ON h.a > g.a
select * from l join f on l.k = f.k and InjectedExpr left join g as of InjectedExpr on l.k = g.k and InjectedExpr join h on h.a > g.a

parse
SELECT * FROM l ASOF JOIN f MATCH_CONDITION (l.ts >= f.ts) ON l.k = f.k AND l.a < f.a
----
SELECT * FROM l JOIN f  ON featuresql_asof(l.ts >= f.ts) AND l.k = f.k AND l.a < f.a
select * from l join f on InjectedExpr and l.k = f.k and l.a < f.a

parse
SELECT * FROM l ASOF JOIN f MATCH_CONDITION (l.ts >= f.ts) WHERE l.a = ?
----
SELECT * FROM l JOIN f ON featuresql_asof(l.ts >= f.ts) WHERE l.a = ?
select * from l join f on InjectedExpr where l.a = :v1

parse
SELECT * FROM l ASOF JOIN f ON l.k = f.k
----
error (*parser.SyntaxError): You have an error in your SQL syntax: ASOF JOIN needs a comparison of times (>=, >, <= or <) in ON, joined by AND

parse
SELECT * FROM l ASOF JOIN f ON l.a >= f.a AND l.b >= f.b
----
error (*parser.SyntaxError): You have an error in your SQL syntax: ASOF JOIN takes one comparison of times (>=, >, <= or <) in ON, there are several

parse
SELECT * FROM l ASOF JOIN f ON l.a >= f.a OR l.b = f.b
----
error (*parser.SyntaxError): You have an error in your SQL syntax: ASOF JOIN needs a comparison of times (>=, >, <= or <) in ON, joined by AND

parse
SELECT * FROM l ASOF JOIN f USING (k, ts)
----
error (*parser.SyntaxError): You have an error in your SQL syntax: ASOF JOIN needs ON with the time comparison, not USING near 'USING (k, ts)'

parse
SELECT * FROM l JOIN f MATCH_CONDITION (l.ts >= f.ts)
----
error (*parser.SyntaxError): You have an error in your SQL syntax: MATCH_CONDITION belongs to an ASOF JOIN near 'MATCH_CONDITION (l.ts >= f.ts)'

parse
SELECT asof FROM asof AS asof JOIN f ON asof.a = f.a
----
SELECT asof FROM asof AS asof JOIN f ON asof.a = f.a
select asof from asof as asof join f on asof.a = f.a

parse
SELECT größe, a$b, `c` FROM tabelle_ü WHERE a = 5--3
----
SELECT `größe`, `a$b`, `c` FROM `tabelle_ü` WHERE a = 5- -3
select `größe`, `a$b`, c from `tabelle_ü` where a = 5 - -3
