parse
INSERT INTO db.t (a, b) VALUES (1, DEFAULT), (?, now())
----
INSERT {Columns:[a,b],Table:{Database:db,Name:t}}
needs INSERT on db.t
child 1
child DEFAULT
child :v1
child now()

parse
INSERT IGNORE INTO t SET a = 1, b = 'x;y'
----
INSERT {Columns:[a,b],Ignore:true,Mode:2,Table:{Name:t}}
needs INSERT on .t
child 1
child 'x;y'

parse
REPLACE INTO t SELECT * FROM u AS OF VERSION 3
----
REPLACE {Mode:1,Table:{Name:t}}
needs REPLACE on .t
child (select * from u as of InjectedExpr)

parse
WITH c AS (SELECT 1 AS x) INSERT INTO t SELECT x FROM c
----
INSERT {Table:{Name:t}}
needs INSERT on .t
child (with c as (select 1 x) select x from c)

parse
INSERT INTO t WITH c AS (SELECT 1 AS x) SELECT x FROM c
----
INSERT {Table:{Name:t}}
needs INSERT on .t
child (with c as (select 1 x) select x from c)

parse
INSERT INTO t (k, a, b) VALUES (1, 2, 3) ON DUPLICATE KEY UPDATE a = VALUES(a) + t.b, b = a + ?
----
INSERT {Columns:[k,a,b],Mode:3,OnDuplicate:[{Column:a,Expr:0},{Column:b,Expr:1}],Table:{Name:t}}
needs INSERT on .t
child 1
child 2
child 3
child (select featuresql_new.a + t.b, t.a + :v1 from t join t as featuresql_new)
needs UPDATE on .t

parse
INSERT INTO t (k, a) VALUES (1, 2) AS new ON DUPLICATE KEY UPDATE a = new.a + a
----
INSERT {Columns:[k,a],Mode:3,OnDuplicate:[{Column:a,Expr:0}],Table:{Name:t}}
needs INSERT on .t
child 1
child 2
child (select featuresql_new.a + t.a from t join t as featuresql_new)
needs UPDATE on .t

parse
INSERT INTO t (k, a) VALUES (1, 2) AS new(x, y) ON DUPLICATE KEY UPDATE a = y * new.x, k = DEFAULT
----
INSERT {Columns:[k,a],Mode:3,OnDuplicate:[{Column:a,Expr:0},{Column:k,Default:true,Expr:-1}],Table:{Name:t}}
needs INSERT on .t
child 1
child 2
child (select featuresql_new.a * featuresql_new.k from t join t as featuresql_new)
needs UPDATE on .t

parse
INSERT INTO t SELECT 1, 2 FROM u ON DUPLICATE KEY UPDATE a = (SELECT max(a) FROM w)
----
INSERT {Mode:3,OnDuplicate:[{Column:a,Expr:0}],Table:{Name:t}}
needs INSERT on .t
child (select 1, 2 from u)
child (select (select max(InjectedExpr) from w) from t join t as featuresql_new)
needs UPDATE on .t

parse
INSERT INTO t VALUES ()
----
INSERT {Table:{Name:t}}
needs INSERT on .t

parse
INSERT INTO t (a, b) VALUES (1)
----
error (*parser.ColumnCountError): Column count doesn't match value count at row 1

parse
INSERT INTO t VALUES (1) AS n(x, y) ON DUPLICATE KEY UPDATE a = x
----
error (*parser.UnsupportedError): featuresql does not support column names of a row alias without a column list of the INSERT

parse
INSERT INTO t@v3 VALUES (1)
----
error (*parser.SyntaxError): You have an error in your SQL syntax: syntax error at position 17 near 'AS'

parse
UPDATE db.t SET a = a + 1, b = a, c = DEFAULT, a = b WHERE id = ? AND a IN (SELECT a FROM u)
----
UPDATE {Assignments:[{Column:a,Expr:0},{Column:b,Expr:1},{Column:c,Default:true,Expr:-1},{Column:a,Expr:2}],Exprs:3,Table:{Database:db,Name:t}}
needs UPDATE on db.t
child (select t.*, a + 1, a, b from db.t where id = :v1 and a in (select a from u))

parse
UPDATE t AS x SET x.a = (SELECT a FROM u WHERE u.id = x.id) WHERE x.b
----
UPDATE {Assignments:[{Column:a,Expr:0}],Exprs:1,Table:{Name:t}}
needs UPDATE on .t
child (select x.*, (select a from u where u.id = x.id) from t as x where x.b)

parse
UPDATE t, u SET t.a = 1
----
error (*parser.UnsupportedError): featuresql does not support UPDATE of several tables; use MERGE

parse
UPDATE t JOIN u ON t.a = u.a SET t.a = 1
----
error (*parser.UnsupportedError): featuresql does not support UPDATE of a join; use MERGE

parse
UPDATE t SET u.a = 1
----
error (*parser.UnsupportedError): featuresql does not support an assignment to another table than t

parse
UPDATE t SET a = 1 ORDER BY a LIMIT 2
----
UPDATE {Assignments:[{Column:a,Expr:0}],Exprs:1,Table:{Name:t}}
needs UPDATE on .t
child (select t.*, 1 from t order by a asc limit 2)

parse
UPDATE t VERSION AS OF 3 SET a = 1
----
error (*parser.UnsupportedError): featuresql does not support UPDATE of an old version of a table

parse
DELETE FROM t
----
DELETE {Table:{Name:t}}
needs DELETE on .t
child (select t.* from t)

parse
DELETE QUICK FROM db.`t x` AS y WHERE y.a = ? AND b = 'FROM'
----
DELETE {Table:{Database:db,Name:t x}}
needs DELETE on db.t x
child (select y.* from db.`t x` as y where y.a = :v1 and b = 'FROM')

parse
WITH c AS (SELECT 1 AS x) DELETE FROM t y WHERE a IN (SELECT x FROM c)
----
DELETE {Table:{Name:t}}
needs DELETE on .t
child (with c as (select 1 x) select y.* from t as y where a in (select x from c))

parse
DELETE t FROM t JOIN u ON t.a = u.a
----
error (*parser.UnsupportedError): featuresql does not support DELETE of several tables; use MERGE

parse
DELETE FROM t USING t JOIN u
----
error (*parser.UnsupportedError): featuresql does not support DELETE of several tables; use MERGE

parse
DELETE FROM t GROUP BY a
----
error (*parser.SyntaxError): You have an error in your SQL syntax: DELETE takes WHERE, ORDER BY and LIMIT near 'DELETE FROM t GROUP BY a'

parse
DELETE FROM t LIMIT 1, 2
----
error (*parser.SyntaxError): You have an error in your SQL syntax: LIMIT in DELETE takes one number near 'DELETE FROM t LIMIT 1, 2'

parse
DELETE FROM t FOR VERSION AS OF 3
----
error (*parser.UnsupportedError): featuresql does not support DELETE of an old version of a table

parse ansi
INSERT INTO "t" ("a") VALUES ('"')
----
INSERT {Columns:[a],Table:{Name:t}}
needs INSERT on .t
child '\"'

multi
/*!40101 SET NAMES utf8 */; ; INSERT INTO t VALUES (';'); -- done
SELECT "a;b" /* ; */; DELETE FROM t;
----
[SET NAMES utf8   ]
[INSERT INTO t VALUES (';')]
[SELECT "a;b" /* ; */]
[DELETE FROM t]

prepare
SELECT '?', "?", `?` -- ?
 , ?, /* ? */ ?
----
2
