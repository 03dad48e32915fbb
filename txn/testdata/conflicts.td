# Two files a partition; id ranges do not overlap within one.
table
a0 a 0..9
a1 a 10..19
b0 b 0..9
n0 - 0..9
----

# Appends never stand in each other's way.

race
mine add new a 0..9
other add x a 0..9
----
version 2: a0 a1 b0 n0 x new

race
mine add new a 0..9
other add x a 0..9
other commit
other add y a 0..9
----
version 3: a0 a1 b0 n0 x y new

race
mine add new a 0..9
other remove a0
----
version 2: a1 b0 n0 new

# Under write-serializable a reader lets blind appends pass.

race
mine read part = a
mine remove a0
mine add new a 0..9
other add x a 0..9
----
version 2: a1 b0 n0 x new

race
mine read-all
mine add new a 0..9
other add x a 0..9
----
version 2: a0 a1 b0 n0 x new

# An append that read first is no blind one.

race
mine read part = a
mine remove a0
other read part = b
other add x a 0..9
----
ConcurrentAppend with version 1: x

race
mine read part = a
mine remove a0
other read part = b
other add x b 0..9
----
version 2: a1 b0 n0 x

# Statistics tell apart what the partition does not.

race
mine read id < 5
mine remove a0
other read id > 100
other add x a 10..19
----
version 2: a1 b0 n0 x

race
mine read id < 5
mine remove a0
other read id > 100
other add x a 4..19
----
ConcurrentAppend with version 1: x

race
mine read-file id < 5 a0
mine remove a0
other remove b0
other add x b 20..29
----
version 2: a1 n0 x

# A file without partition value is NULL: never equal, and never unequal.

race
mine read part = a
mine remove a0
other read id > 100
other add x - 0..9
----
version 2: a1 b0 n0 x

race
mine read part <> a
mine remove b0
other read id > 100
other add x - 0..9
----
version 2: a0 a1 n0 x

# Two removals of one file never both commit, whatever else they do.

race
mine remove a0
other remove a0
----
ConcurrentDeleteDelete with version 1: a0

race
mine remove a0
mine add a0-new a 0..9
other remove a0
other add a0-other a 0..9
----
ConcurrentDeleteDelete with version 1: a0

race
mine dv a0 one
other dv a0 two
----
ConcurrentDeleteDelete with version 1: a0

race
mine remove a0 move
mine add new a 0..9 move
other dv a0 two
----
ConcurrentDeleteDelete with version 1: a0

race
mine dv a0 one
other remove a0 move
other add new a 0..9 move
----
ConcurrentDeleteDelete with version 1: a0

race
mine dv a0 one
other dv a1 two
----
version 2: b0 n0 a1/two a0/one

# Files that were read must stay.

race
mine read part = a
mine add new a 100..109
other remove a1
----
ConcurrentDeleteRead with version 1: a1

race
mine read part = a
mine add new a 100..109
other remove b0
----
version 2: a0 a1 n0 new

race
mine read-all
mine add new a 100..109
other remove b0
----
ConcurrentDeleteRead with version 1: b0

race
mine read id > 100
mine add new a 100..109
other remove b0
----
version 2: a0 a1 n0 new

# Files that only moved rows hold nothing new, but the old files are gone.

race
mine read id > 100
mine add new a 100..109
other remove a0 move
other remove a1 move
other add x a 0..199 move
----
version 2: b0 n0 x new

race
mine read id < 5
mine add new a 100..109
other remove a0 move
other add x a 0..9 move
----
version 2: a1 b0 n0 x new

race
mine read-all
mine add new a 100..109
other remove a0 move
other add x a 0..9 move
----
version 2: a1 b0 n0 x new

# Whoever lets a compaction pass has read the files that it made, too.

race
mine read part = a
mine add new a 100..109
other remove a0 move
other remove a1 move
other add x a 0..19 move
other commit
other remove x
----
ConcurrentDeleteRead with version 2: x

# A commit that also changes rows is no compaction.

race
mine read part = a
mine add new a 100..109
other remove a0 move
other add x a 0..9 move
other remove b0
----
ConcurrentDeleteRead with version 1: a0

# What only moves rows itself does not mind new files, but its own must be there.

race
mine read-file part = a a0
mine remove a0 move
mine add new a 0..9 move
other read id > 100
other add x a 0..9
----
version 2: a1 b0 n0 x new

race
mine read-file part = a a0
mine remove a0 move
mine add new a 0..9 move
other remove a0
----
ConcurrentDeleteRead with version 1: a0

# One path added by both would be live twice, or lost.

race
mine add same a 0..9
other add same a 0..9
----
ConcurrentAppend with version 1: same

race
mine add a2 a 0..9
other add a2 a 0..9
other commit
other remove a2
----
ConcurrentAppend with version 1: a2

# Names.

race
mine app stream
mine add new a 0..9
other app stream
----
ConcurrentTransaction with version 1: stream

race
mine app stream
other app another
----
version 2: a0 a1 b0 n0

race
mine read-app stream
mine add new a 0..9
other app stream
----
ConcurrentTransaction with version 1: stream

race
mine domain d
other domain d
----
ConcurrentDomainMetadata with version 1: d

race
mine domain d
other domain e
----
version 2: a0 a1 b0 n0

# Metadata and protocol stop everybody.

race
mine add new a 0..9
other metadata k v
----
MetadataChanged with version 1:

race
mine metadata k v
other metadata k w
----
MetadataChanged with version 1:

race
mine add new a 0..9
other protocol
----
ProtocolChanged with version 1:

race
mine protocol
other add x a 0..9
----
version 2: a0 a1 b0 n0 x

# Who changes metadata and has read does mind blind appends.

race
mine read-all
mine metadata k v
other add x a 0..9
----
ConcurrentAppend with version 1: x

race
mine metadata k v
other add x a 0..9
----
version 2: a0 a1 b0 n0 x

# The first winner that stands in the way is named, with what it did.

race
mine read part = b
mine remove b0
other add x a 0..9
other commit
other operation DELETE
other remove b0
other commit
other metadata k v
----
ConcurrentDeleteRead with version 2: b0

# Serializable: blind appends count, too.

table delta.isolationLevel=Serializable
a0 a 0..9
b0 b 0..9
----

race
mine read part = a
mine remove a0
mine add new a 0..9
other add x a 0..9
----
ConcurrentAppend with version 1: x

race
mine read part = a
mine remove a0
mine add new a 0..9
other add x b 0..9
----
version 2: b0 x new

race
mine add new a 0..9
other add x a 0..9
----
version 2: a0 b0 x new

race
mine read-file part = a a0
mine remove a0 move
mine add new a 0..9 move
other add x a 0..9
----
version 2: b0 x new

# A level this program does not know is the strictest.

table delta.isolationLevel=Unheard
a0 a 0..9
----

race
mine read part = a
mine remove a0
other add x a 0..9
----
ConcurrentAppend with version 1: x

# Append-only tables take additions and moves.

table delta.appendOnly=true
a0 a 0..9
----

race
mine add new a 0..9
----
version 1: a0 new

race
mine remove a0
----
append-only

race
mine dv a0 one
----
append-only

race
mine remove a0 move
mine add new a 0..9 move
----
version 1: new
