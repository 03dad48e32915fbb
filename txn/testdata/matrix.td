# Delta's conflict matrix: every operation after every other one that won, all on the partition a. The rules are those of
# Delta's documentation (Concurrency control), but for two: who read files that a compaction replaced may commit, since the rows are what they
# were, where Delta's own checker refuses it; who changes them may not. And a new protocol ends every transaction that it overtakes, where Delta's
# goes on if it can write the new one. interop/test_conflict_matrix.py asks Delta about every pair.

operation append
add NEW a 100..109
----

operation read-append
read part = a
add NEW a 100..109
----

operation delete
read part = a
remove a0
----

operation update
read part = a
remove a0
add NEW a 0..9
----

operation merge
read part = a
remove a0
add NEW a 0..9
add NEW-inserted a 100..109
----

operation compaction
read-file part = a a0
read-file part = a a1
remove a0 move
remove a1 move
add NEW a 0..19 move
----

operation metadata
metadata k NEW
----

operation protocol
protocol
----

operation set-transaction
read-app stream
app stream
add NEW a 100..109
----

matrix delta.isolationLevel=WriteSerializable
----
append            after append:           commits
append            after read-append:      commits
append            after delete:           commits
append            after update:           commits
append            after merge:            commits
append            after compaction:       commits
append            after metadata:         MetadataChanged
append            after protocol:         ProtocolChanged
append            after set-transaction:  commits
read-append       after append:           commits
read-append       after read-append:      ConcurrentAppend
read-append       after delete:           ConcurrentDeleteRead
read-append       after update:           ConcurrentAppend
read-append       after merge:            ConcurrentAppend
read-append       after compaction:       commits
read-append       after metadata:         MetadataChanged
read-append       after protocol:         ProtocolChanged
read-append       after set-transaction:  commits
delete            after append:           commits
delete            after read-append:      ConcurrentAppend
delete            after delete:           ConcurrentDeleteRead
delete            after update:           ConcurrentAppend
delete            after merge:            ConcurrentAppend
delete            after compaction:       ConcurrentDeleteDelete
delete            after metadata:         MetadataChanged
delete            after protocol:         ProtocolChanged
delete            after set-transaction:  commits
update            after append:           commits
update            after read-append:      ConcurrentAppend
update            after delete:           ConcurrentDeleteRead
update            after update:           ConcurrentAppend
update            after merge:            ConcurrentAppend
update            after compaction:       ConcurrentDeleteDelete
update            after metadata:         MetadataChanged
update            after protocol:         ProtocolChanged
update            after set-transaction:  commits
merge             after append:           commits
merge             after read-append:      ConcurrentAppend
merge             after delete:           ConcurrentDeleteRead
merge             after update:           ConcurrentAppend
merge             after merge:            ConcurrentAppend
merge             after compaction:       ConcurrentDeleteDelete
merge             after metadata:         MetadataChanged
merge             after protocol:         ProtocolChanged
merge             after set-transaction:  commits
compaction        after append:           commits
compaction        after read-append:      commits
compaction        after delete:           ConcurrentDeleteRead
compaction        after update:           ConcurrentDeleteRead
compaction        after merge:            ConcurrentDeleteRead
compaction        after compaction:       ConcurrentDeleteDelete
compaction        after metadata:         MetadataChanged
compaction        after protocol:         ProtocolChanged
compaction        after set-transaction:  commits
metadata          after append:           commits
metadata          after read-append:      commits
metadata          after delete:           commits
metadata          after update:           commits
metadata          after merge:            commits
metadata          after compaction:       commits
metadata          after metadata:         MetadataChanged
metadata          after protocol:         ProtocolChanged
metadata          after set-transaction:  commits
protocol          after append:           commits
protocol          after read-append:      commits
protocol          after delete:           commits
protocol          after update:           commits
protocol          after merge:            commits
protocol          after compaction:       commits
protocol          after metadata:         MetadataChanged
protocol          after protocol:         ProtocolChanged
protocol          after set-transaction:  commits
set-transaction   after append:           commits
set-transaction   after read-append:      commits
set-transaction   after delete:           commits
set-transaction   after update:           commits
set-transaction   after merge:            commits
set-transaction   after compaction:       commits
set-transaction   after metadata:         MetadataChanged
set-transaction   after protocol:         ProtocolChanged
set-transaction   after set-transaction:  ConcurrentTransaction

matrix delta.isolationLevel=Serializable
----
append            after append:           commits
append            after read-append:      commits
append            after delete:           commits
append            after update:           commits
append            after merge:            commits
append            after compaction:       commits
append            after metadata:         MetadataChanged
append            after protocol:         ProtocolChanged
append            after set-transaction:  commits
read-append       after append:           ConcurrentAppend
read-append       after read-append:      ConcurrentAppend
read-append       after delete:           ConcurrentDeleteRead
read-append       after update:           ConcurrentAppend
read-append       after merge:            ConcurrentAppend
read-append       after compaction:       commits
read-append       after metadata:         MetadataChanged
read-append       after protocol:         ProtocolChanged
read-append       after set-transaction:  ConcurrentAppend
delete            after append:           ConcurrentAppend
delete            after read-append:      ConcurrentAppend
delete            after delete:           ConcurrentDeleteRead
delete            after update:           ConcurrentAppend
delete            after merge:            ConcurrentAppend
delete            after compaction:       ConcurrentDeleteDelete
delete            after metadata:         MetadataChanged
delete            after protocol:         ProtocolChanged
delete            after set-transaction:  ConcurrentAppend
update            after append:           ConcurrentAppend
update            after read-append:      ConcurrentAppend
update            after delete:           ConcurrentDeleteRead
update            after update:           ConcurrentAppend
update            after merge:            ConcurrentAppend
update            after compaction:       ConcurrentDeleteDelete
update            after metadata:         MetadataChanged
update            after protocol:         ProtocolChanged
update            after set-transaction:  ConcurrentAppend
merge             after append:           ConcurrentAppend
merge             after read-append:      ConcurrentAppend
merge             after delete:           ConcurrentDeleteRead
merge             after update:           ConcurrentAppend
merge             after merge:            ConcurrentAppend
merge             after compaction:       ConcurrentDeleteDelete
merge             after metadata:         MetadataChanged
merge             after protocol:         ProtocolChanged
merge             after set-transaction:  ConcurrentAppend
compaction        after append:           commits
compaction        after read-append:      commits
compaction        after delete:           ConcurrentDeleteRead
compaction        after update:           ConcurrentDeleteRead
compaction        after merge:            ConcurrentDeleteRead
compaction        after compaction:       ConcurrentDeleteDelete
compaction        after metadata:         MetadataChanged
compaction        after protocol:         ProtocolChanged
compaction        after set-transaction:  commits
metadata          after append:           commits
metadata          after read-append:      commits
metadata          after delete:           commits
metadata          after update:           commits
metadata          after merge:            commits
metadata          after compaction:       commits
metadata          after metadata:         MetadataChanged
metadata          after protocol:         ProtocolChanged
metadata          after set-transaction:  commits
protocol          after append:           commits
protocol          after read-append:      commits
protocol          after delete:           commits
protocol          after update:           commits
protocol          after merge:            commits
protocol          after compaction:       commits
protocol          after metadata:         MetadataChanged
protocol          after protocol:         ProtocolChanged
protocol          after set-transaction:  commits
set-transaction   after append:           commits
set-transaction   after read-append:      commits
set-transaction   after delete:           commits
set-transaction   after update:           commits
set-transaction   after merge:            commits
set-transaction   after compaction:       commits
set-transaction   after metadata:         MetadataChanged
set-transaction   after protocol:         ProtocolChanged
set-transaction   after set-transaction:  ConcurrentTransaction
