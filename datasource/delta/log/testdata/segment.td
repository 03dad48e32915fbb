log
0.json 1.json 2.json 0.crc _last_checkpoint _sidecars/x.parquet
----
newest 2 true, oldest 0 true

version v=2
----
commits 0 1 2

version v=0
----
commits 0

version v=3
----
error: version 3 cannot be read: commit _delta_log/00000000000000000003.json is missing

# A classic checkpoint, a multi-part one that is whole, one that is not, and UUID-named ones.
log
0.json 1.json 1.checkpoint.parquet 2.json 3.json 3.checkpoint.1.2.parquet 3.checkpoint.2.2.parquet 4.json 4.checkpoint.1.3.parquet 4.checkpoint.3.3.parquet 5.json
5.checkpoint.80a083e8.json 6.json 6.checkpoint.80a083e8.parquet 7.json
----
newest 7 true, oldest 0 true

version v=7
----
checkpoint 6.checkpoint.80a083e8.parquet
commits 7

version v=7
6.checkpoint.80a083e8.parquet
----
checkpoint 5.checkpoint.80a083e8.json
commits 6 7

version v=7
6.checkpoint.80a083e8.parquet 5.checkpoint.80a083e8.json
----
checkpoint 3.checkpoint.1.2.parquet 3.checkpoint.2.2.parquet
commits 4 5 6 7

version v=7
6.checkpoint.80a083e8.parquet 5.checkpoint.80a083e8.json 3.checkpoint.2.2.parquet 1.checkpoint.parquet
----
commits 0 1 2 3 4 5 6 7

version v=2
----
checkpoint 1.checkpoint.parquet
commits 2

# A log that was cleaned up: what is in front of the oldest checkpoint cannot be read.
log
3.json 4.json 5.checkpoint.parquet 5.json 6.json
----
newest 6 true, oldest 5 true

version v=6
----
checkpoint 5.checkpoint.parquet
commits 6

version v=4
----
error: version 4 cannot be read: commit _delta_log/00000000000000000000.json is missing

version v=6
5.checkpoint.parquet
----
error: version 6 cannot be read: commit _delta_log/00000000000000000000.json is missing

# The checkpoint of the newest version is all there is.
log
5.checkpoint.parquet
----
newest 5 true, oldest 5 true

version v=5
----
checkpoint 5.checkpoint.parquet
commits

# A gap.
log
0.json 1.json 3.json
----
newest 3 true, oldest 0 true

version v=3
----
error: version 3 cannot be read: commit _delta_log/00000000000000000002.json is missing

version v=1
----
commits 0 1

# A compaction is read only where commits are missing.
log
0.json 1.json 1.3.compacted.json 2.json 3.json 4.json
----
newest 4 true, oldest 0 true

version v=4
----
commits 0 1 2 3 4

log
0.json 1.json 1.3.compacted.json 3.json 4.json
----
newest 4 true, oldest 0 true

version v=4
----
commits 0 4 1.3.compacted.json

version v=2
----
error: version 2 cannot be read: commit _delta_log/00000000000000000002.json is missing

log
0.json 2.4.compacted.json 5.json
----
newest 5 true, oldest 0 true

version v=5
----
error: version 5 cannot be read: commit _delta_log/00000000000000000001.json is missing

# Listing from a version on.
log from=2
0.json 1.json 2.json 2.checkpoint.parquet 3.json
----
newest 3 true, oldest 2 true

version v=3
----
checkpoint 2.checkpoint.parquet
commits 3

log
----
newest -1 false, oldest 0 false
