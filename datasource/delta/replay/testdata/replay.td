# Adds stay in the order in which they came.
replay
init
+a
+b
--
+c
----
a
b
c

# A remove takes away what an older commit added; it stays as a tombstone.
replay
init
+a
+b
--
-a
----
b
tombstone a

# The newest reference of a logical file wins.
replay
init
+a
--
-a
--
+a
----
a

# Within one commit the last line wins.
replay
init
+a
--
-a
+a
----
a

# A deletion vector makes another logical file: the old one is removed, the new one added.
replay
init
+a
--
-a
+a@1
--
-a@1
+a@2
----
a@2
tombstone a@1
tombstone a

# A second deletion vector whose remove names no vector: the path is live once, as of the newest add.
replay
init
+a
--
-a
+a@1
--
-a
+a@2
----
a@2
tombstone a

# A remove with another deletion vector than the live file's removes nothing.
replay
init
+a@1
--
-a@2
----
a@1
tombstone a@2

# A file: URI and a bare absolute path name the same file, in the table or elsewhere.
replay
init
+file:///data/t/a%20b
+/elsewhere/c
+file:/elsewhere/d
--
-a%20b
-file:/elsewhere/c
-/elsewhere/d
----
tombstone file:///elsewhere/d
tombstone file:///elsewhere/c
tombstone a b

# Paths are decoded once.
replay
init
+a%2520b
--
-a%20b
----
a%20b
tombstone a b

# Actions that are not of files: the newest of each application and domain; removed domains are gone.
replay
init
{"txn":{"appId":"x","version":5}}
{"domainMetadata":{"domain":"d","configuration":"1","removed":false}}
{"domainMetadata":{"domain":"e","configuration":"1","removed":false}}
--
{"txn":{"appId":"x","version":3}}
{"txn":{"appId":"y","version":1}}
{"domainMetadata":{"domain":"d","configuration":"2","removed":true}}
--
{"domainMetadata":{"domain":"e","configuration":"2","removed":false}}
{"commitInfo":{"operation":"WRITE"}}
----
txn x 3
txn y 1
domain e 2
operation WRITE

# commitInfo is that of the newest commit only.
replay
init
{"commitInfo":{"operation":"CREATE"}}
--
+a
----
a

# Unknown actions and change files do not matter.
replay
init
{"future":{"a":1}}
{"cdc":{"path":"_change_data/x","partitionValues":{},"size":1,"dataChange":false}}
+a
----
a

replay
+a
----
error: corrupt Delta log: _delta_log: no protocol action

replay
{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
----
error: corrupt Delta log: _delta_log: no metaData action

replay
init
--
{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["quantumSort"],"writerFeatures":["quantumSort"]}}
----
error: table cannot be read: it needs the table feature "quantumSort", which is not supported
