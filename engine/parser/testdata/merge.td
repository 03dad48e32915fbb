# Every clause. Names are the source's in NOT MATCHED, the target's in NOT MATCHED BY SOURCE.
parse
MERGE INTO db.t AS d USING s ON d.id = s.id
WHEN MATCHED AND s.op = 'del' THEN DELETE
WHEN MATCHED THEN UPDATE SET d.v = s.v + 1, w = DEFAULT
WHEN NOT MATCHED AND ok THEN INSERT (id, v) VALUES (id, CASE WHEN x THEN y ELSE z END)
WHEN NOT MATCHED BY TARGET THEN INSERT *
WHEN NOT MATCHED BY SOURCE AND age > 3 THEN UPDATE SET v = v + 1
WHEN NOT MATCHED BY SOURCE THEN DELETE
----
MERGE {Clauses:[{Action:1,Cond:0},{Assignments:[{Column:v,Expr:1},{Column:w,Default:true,Expr:-1}],Cond:-1},{Action:2,Assignments:[{Column:id,Expr:3},{Column:v,Expr:4}],Cond:2,Kind:1},{Action:2,Cond:-1,Kind:1,Star:true},{Assignments:[{Column:v,Expr:6}],Cond:5,Kind:2},{Action:1,Cond:-1,Kind:2}],Exprs:7,SourceAlias:s,Table:{Database:db,Name:t},TargetAlias:d}
needs UPDATE on db.t
child (select s.*, s.op = 'del', s.v + 1, s.ok, s.id, case when s.x then s.y else s.z end, d.age > 3, d.v + 1 from s left join db.t as d on d.id = s.id)
needs DELETE on db.t
needs INSERT on db.t

parse
MERGE INTO t USING (SELECT * FROM u WHERE a = ?) s ON t.id = s.id AND s.k = ? WHEN MATCHED AND s.b = ? THEN UPDATE SET v = ?
----
MERGE {Clauses:[{Assignments:[{Column:v,Expr:1}],Cond:0}],Exprs:2,SourceAlias:s,Table:{Name:t},TargetAlias:t}
needs UPDATE on .t
child (select s.*, s.b = :v3, :v4 from (select * from u where a = :v1) as s left join t on t.id = s.id and s.k = :v2)

parse
WITH c AS (SELECT ? AS id) MERGE WITH SCHEMA EVOLUTION INTO t USING c ON t.id = c.id AND ? WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *
----
MERGE {Clauses:[{Cond:-1,Star:true},{Action:2,Cond:-1,Kind:1,Star:true}],SchemaEvolution:true,SourceAlias:c,Table:{Name:t},TargetAlias:t}
needs UPDATE on .t
child (with c as (select :v1 id) select c.* from c left join t on t.id = c.id and :v2)
needs INSERT on .t

parse
merge into t x using u version as of 3 y on x.id = y.id when matched then update set v = (select max(v) from w where w.id = id)
----
MERGE {Clauses:[{Assignments:[{Column:v,Expr:0}],Cond:-1}],Exprs:1,SourceAlias:y,Table:{Name:t},TargetAlias:x}
needs UPDATE on .t
child (select y.*, (select max(InjectedExpr) from w where w.id = id) from u as of InjectedExpr as y left join t as x on x.id = y.id)

parse
MERGE INTO t USING delta.`/p` ON true WHEN NOT MATCHED THEN INSERT VALUES (1, 'a)', DEFAULT)
----
MERGE {Clauses:[{Action:2,Assignments:[{Expr:0},{Expr:1},{Default:true,Expr:-1}],Cond:-1,Kind:1}],Exprs:2,SourceAlias:/p,Table:{Name:t},TargetAlias:t}
needs INSERT on .t
child (select `/p`.*, 1, 'a)' from delta.`/p` left join t on true)

# Errors.
parse
MERGE INTO t
----
error (*parser.SyntaxError): You have an error in your SQL syntax: MERGE INTO a table, the newest version of it, needs USING

parse
MERGE INTO t USING s ON a = b
----
error (*parser.SyntaxError): You have an error in your SQL syntax: MERGE needs a WHEN clause

parse
MERGE INTO t USING s ON a = b WHEN MATCHED THEN INSERT *
----
error (*parser.SyntaxError): You have an error in your SQL syntax: NOT MATCHED [BY TARGET] goes with INSERT, and the others with UPDATE or DELETE near 'WHEN MATCHED THEN INSERT *'

parse
MERGE INTO t USING s ON a = b WHEN MATCHED THEN DELETE WHEN MATCHED THEN UPDATE SET *
----
error (*parser.SyntaxError): You have an error in your SQL syntax: only the last clause of a kind in MERGE may be without a condition

parse
MERGE INTO t USING s ON a = b WHEN NOT MATCHED THEN INSERT (a, b) VALUES (1)
----
error (*parser.ColumnCountError): Column count doesn't match value count at row 1

parse
MERGE INTO t USING s ON a = b WHEN NOT MATCHED BY SOURCE THEN UPDATE SET *
----
error (*parser.SyntaxError): You have an error in your SQL syntax: NOT MATCHED BY SOURCE has no source row for UPDATE SET *

parse
MERGE INTO t USING s ON a = b WHEN MATCHED THEN UPDATE SET u.a = 1
----
error (*parser.SyntaxError): You have an error in your SQL syntax: SET assigns columns of the target, t near 'u.a = 1'

parse
MERGE INTO t VERSION AS OF 3 USING s ON a = b WHEN MATCHED THEN DELETE
----
error (*parser.SyntaxError): You have an error in your SQL syntax: MERGE INTO a table, the newest version of it, needs USING near 'AS OF 3 USING s ON a = b WHEN MATCHED THEN DELETE'

parse
MERGE INTO t USING s ON 1) FROM x WHERE (1 WHEN MATCHED THEN DELETE
----
error (*parser.SyntaxError): You have an error in your SQL syntax: syntax error at position 32 near 'WHEN'

parse
MERGE INTO t USING s ON a = b WHEN MATCHED THEN DELETE nonsense
----
error (*parser.SyntaxError): You have an error in your SQL syntax: the next clause of MERGE begins with WHEN near 'nonsense'

parse
MERGE INTO t USING a JOIN b ON a.x = b.x WHEN MATCHED THEN DELETE
----
error (*parser.SyntaxError): You have an error in your SQL syntax: MERGE takes one source; put a join into a subquery with an alias near 'a JOIN b ON a.x = b.x WHEN MATCHED THEN DELETE'

parse
MERGE INTO t USING s ON a, b WHEN MATCHED THEN DELETE
----
error (*parser.SyntaxError): You have an error in your SQL syntax: not an expression near 'a, b WHEN MATCHED THEN DELETE'
