parse
CREATE TABLE t (id BIGINT, name VARCHAR(20) NOT NULL DEFAULT 'x' COMMENT 'it''s', price DECIMAL(10, 2), PRIMARY KEY (id, name))
----
CREATE TABLE {Columns:[{Name:id,NotNull:true,Type:{Name:long,Text:BIGINT}},{Comment:it's,Default:'x',Name:name,NotNull:true,Type:{Declared:varchar(20),Length:20,Name:string,Text:VARCHAR(20)}},{Name:price,Type:{Name:decimal,Precision:10,Scale:2,Text:DECIMAL(10, 2)}}],PrimaryKey:[id,name],Table:{Name:t}}
needs CREATE on .t

parse
CREATE OR REPLACE TABLE db.t (id INT PRIMARY KEY AUTO_INCREMENT, b TINYINT(1), u BIGINT UNSIGNED, i INT UNSIGNED, ts TIMESTAMP DEFAULT CURRENT_TIMESTAMP(6), d DATETIME(6), e ENUM('a', 'b')) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE utf8mb4_0900_ai_ci COMMENT='c'
----
CREATE TABLE {Collate:utf8mb4_0900_ai_ci,Columns:[{Identity:true,Name:id,NotNull:true,Type:{Name:integer,Text:INT}},{Name:b,Type:{Name:boolean,Text:TINYINT(1)}},{Name:u,Type:{Declared:bigint unsigned,Name:decimal,Precision:20,Text:BIGINT UNSIGNED}},{Name:i,Type:{Declared:int unsigned,Name:long,Text:INT UNSIGNED}},{Default:current_timestamp(),Name:ts,Type:{Name:timestamp,Text:TIMESTAMP}},{Name:d,Type:{Name:timestamp_ntz,Text:DATETIME(6)}},{Name:e,Type:{Declared:enum('a','b'),Name:string,Text:ENUM('a', 'b')}}],Comment:c,OrReplace:true,PrimaryKey:[id],Table:{Database:db,Name:t}}
needs CREATE on db.t
needs DROP on db.t

parse
CREATE TABLE IF NOT EXISTS t (key STRING, l LONG, s SHORT, y BYTE, n TIMESTAMP_NTZ, a ARRAY<ARRAY<INT>>, m MAP<STRING, STRUCT<x: DOUBLE NOT NULL COMMENT 'c', `y z` DATE>>) USING DELTA PARTITIONED BY (key) LOCATION '/a/b' TBLPROPERTIES ('delta.appendOnly' = 'true', delta.checkpointInterval = 5, x = true) COMMENT 'c'
----
CREATE TABLE {Columns:[{Name:key,Type:{Name:string,Text:STRING}},{Name:l,Type:{Name:long,Text:LONG}},{Name:s,Type:{Name:short,Text:SHORT}},{Name:y,Type:{Name:byte,Text:BYTE}},{Name:n,Type:{Name:timestamp_ntz,Text:TIMESTAMP_NTZ}},{Name:a,Type:{Element:{Element:{Name:integer,Text:INT},Name:array,Text:ARRAY<INT>},Name:array,Text:ARRAY<ARRAY<INT>>}},{Name:m,Type:{Element:{Fields:[{Comment:c,Name:x,NotNull:true,Type:{Name:double,Text:DOUBLE}},{Name:y z,Type:{Name:date,Text:DATE}}],Name:struct,Text:STRUCT<x: DOUBLE NOT NULL COMMENT 'c', `y z` DATE>},Key:{Name:string,Text:STRING},Name:map,Text:MAP<STRING, STRUCT<x: DOUBLE NOT NULL COMMENT 'c', `y z` DATE>>}}],Comment:c,IfNotExists:true,Location:/a/b,PartitionedBy:[key],Properties:{delta.appendOnly:true,delta.checkpointInterval:5,x:true},Table:{Name:t}}
needs CREATE on .t
needs CREATE on delta./a/b
needs SELECT on delta./a/b

parse
CREATE TABLE t (a INT CHECK (a > 0), b INT GENERATED ALWAYS AS (a + 1) STORED, CONSTRAINT pos CHECK (b < 'x)'), CHECK (a < b) NOT ENFORCED, KEY k (a), INDEX date (a DESC))
----
CREATE TABLE {Checks:[{Expr:a > 0},{Expr:b < 'x)',Name:pos}],Columns:[{Name:a,Type:{Name:integer,Text:INT}},{Generated:a + 1,Name:b,Type:{Name:integer,Text:INT}}],Table:{Name:t}}
needs CREATE on .t

parse
CREATE TABLE t (a INT) PARTITIONED BY (d DATE, e STRING)
----
CREATE TABLE {Columns:[{Name:a,Type:{Name:integer,Text:INT}},{Name:d,Type:{Name:date,Text:DATE}},{Name:e,Type:{Name:string,Text:STRING}}],PartitionedBy:[d,e],Table:{Name:t}}
needs CREATE on .t

parse
CREATE TABLE t PARTITIONED BY (a) AS SELECT 1 AS a FROM u VERSION AS OF 3
----
CREATE TABLE {AsSelect:true,PartitionedBy:[a],Table:{Name:t}}
needs CREATE on .t
child (select 1 a from u as of InjectedExpr)
needs INSERT on .t

parse
CREATE TABLE t (a INT) WITH c AS (SELECT 1 AS a) SELECT a FROM c
----
CREATE TABLE {AsSelect:true,Columns:[{Name:a,Type:{Name:integer,Text:INT}}],Table:{Name:t}}
needs CREATE on .t
child (with c as (select 1 a) select a from c)
needs INSERT on .t

parse
CREATE TABLE t LIKE db.u
----
CREATE TABLE {Like:{Database:db,Name:u},Table:{Name:t}}
needs CREATE on .t
needs SELECT on db.u

parse
CREATE TEMPORARY TABLE t (a INT DEFAULT -1, b STRING DEFAULT (concat('a', 'b')), c DATE DEFAULT DATE '2026-01-01', d CHAR VARYING(3), e DOUBLE PRECISION)
----
error (*parser.UnsupportedError): featuresql does not support DEFAULT of an expression; use a constant or CURRENT_TIMESTAMP

parse
CREATE TABLE t (a INT, A INT)
----
error (*parser.DuplicateColumnError): Duplicate column name 'A'

parse
CREATE TABLE t (a INT, PRIMARY KEY (b))
----
error (*parser.MissingColumnError): Key column 'b' doesn't exist in table t

parse
CREATE TABLE t (a GEOMETRY)
----
error (*parser.UnsupportedError): featuresql does not support columns of type GEOMETRY

parse
CREATE TABLE t (a DECIMAL(50, 2))
----
error (*parser.UnsupportedError): featuresql does not support DECIMAL of more than 38 digits

parse
CREATE TABLE t (a INT UNIQUE)
----
error (*parser.UnsupportedError): featuresql does not support UNIQUE of a column

parse
CREATE TABLE t (a INT, FOREIGN KEY (a) REFERENCES u (a))
----
error (*parser.UnsupportedError): featuresql does not support FOREIGN constraints and indexes

parse
CREATE TABLE t (a INT) PARTITION BY HASH (a)
----
error (*parser.UnsupportedError): featuresql does not support PARTITION in CREATE TABLE

parse
CREATE TABLE t (a INT) USING CSV
----
error (*parser.UnsupportedError): featuresql does not support tables of format CSV

parse
CREATE TABLE t (a INT CHECK (a >))
----
error (*parser.SyntaxError): You have an error in your SQL syntax: syntax error at position 14 near 'a'

parse
CREATE TABLE t (a INT b)
----
error (*parser.SyntaxError): You have an error in your SQL syntax: a column definition does not take this near 'b)'

parse
CREATE TABLE t
----
error (*parser.NoColumnsError): A table must have at least 1 column, and so must a result; other engines write tables without columns, of which only DESCRIBE and count(*) show something

parse
CREATE TABLE t (a STRUCT<b INT)
----
error (*parser.SyntaxError): You have an error in your SQL syntax: ">" is missing near ')'

parse
DROP TABLE IF EXISTS db.t, `u v` CASCADE
----
DROP TABLE {IfExists:true,Tables:[{Database:db,Name:t},{Name:u v}]}
needs DROP on db.t
needs DROP on .u v

parse
DROP TABLE t u
----
error (*parser.SyntaxError): You have an error in your SQL syntax: nothing follows the names of DROP TABLE near 'u'

parse
TRUNCATE TABLE t
----
TRUNCATE {Table:{Name:t}}
needs DROP on .t

parse
TRUNCATE db.t
----
TRUNCATE {Table:{Database:db,Name:t}}
needs DROP on db.t

parse
ALTER TABLE t ADD COLUMN a INT AFTER b, ADD COLUMNS (c STRING COMMENT 'x', d ARRAY<INT> FIRST)
----
ALTER TABLE {AddColumns:[{After:b,Name:a,Type:{Name:integer,Text:INT}},{Comment:x,Name:c,Type:{Name:string,Text:STRING}},{First:true,Name:d,Type:{Element:{Name:integer,Text:INT},Name:array,Text:ARRAY<INT>}}],Table:{Name:t}}
needs ALTER on .t

parse
ALTER TABLE t ADD COLUMN IF NOT EXISTS a INT CHECK (a > 0)
----
ALTER TABLE {AddChecks:[{Expr:a > 0}],AddColumns:[{Name:a,Type:{Name:integer,Text:INT}}],IfNotExists:true,Table:{Name:t}}
needs ALTER on .t

parse
ALTER TABLE t SET TBLPROPERTIES ('a.b' = 'c'), UNSET TBLPROPERTIES IF EXISTS ('d', e.f), COMMENT = 'x'
----
ALTER TABLE {SetComment:x,SetProperties:{a.b:c},Table:{Name:t},UnsetIfExists:true,UnsetProperties:[d,e.f]}
needs ALTER on .t

parse
ALTER TABLE t ADD CONSTRAINT pos CHECK (a > 0), DROP CONSTRAINT IF EXISTS old
----
ALTER TABLE {AddChecks:[{Expr:a > 0,Name:pos}],DropConstraints:[old],DropIfExists:true,Table:{Name:t}}
needs ALTER on .t

parse
ALTER TABLE t DROP COLUMN a
----
ALTER TABLE {Columns:[{Drop:true,Name:a}],Table:{Name:t}}
needs ALTER on .t

parse
ALTER TABLE t ADD PRIMARY KEY (a)
----
ALTER TABLE {AddPrimaryKey:[a],Table:{Name:t}}
needs ALTER on .t

parse
ALTER TABLE t ADD date DATE
----
ALTER TABLE {AddColumns:[{Name:date,Type:{Name:date,Text:DATE}}],Table:{Name:t}}
needs ALTER on .t

parse
DESCRIBE HISTORY db.t LIMIT 5
----
DESCRIBE HISTORY {Limit:5,Table:{Database:db,Name:t}}
needs SELECT on db.t

parse
DESC DETAIL delta.`/a b`
----
DESCRIBE DETAIL {Table:{Database:delta,Name:/a b}}
needs SELECT on delta./a b

parse
DESCRIBE DETAIL t x
----
error (*parser.SyntaxError): You have an error in your SQL syntax: nothing follows DESCRIBE DETAIL near 'x'

parse
DESCRIBE history
----
DESCRIBE history
show columns from `history`

parse
EXPLAIN FORMAT=TREE SELECT * FROM t@v3
----
EXPLAIN {Format:tree}
needs IGNORE on 
child (select * from t as of InjectedExpr)

parse
EXPLAIN ANALYZE MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE
----
EXPLAIN {Analyze:true,Inner:{Clauses:[{Action:1,Cond:-1}],SourceAlias:s,Table:{Name:t},TargetAlias:t}}
needs DELETE on .t
child (select s.* from s left join t on t.a = s.a)

parse
EXPLAIN ANALYZE (SELECT 1)
----
EXPLAIN {Analyze:true}
needs IGNORE on 
child (select 1)

parse
EXPLAIN t
----
EXPLAIN t
show columns from t
