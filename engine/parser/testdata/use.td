parse
USE db
----
USE db
use db

parse
USE `db@2026-01-01`
----
USE `db@2026-01-01`
use `db@2026-01-01`

parse
USE db@v3
----
USE `db@v3`
use db@v3

parse
USE db@2026-01-01 12:00
----
USE `db@2026-01-01 12:00`
use `db@2026-01-01 12:00`

parse
use `a b`@v3 ;
----
use `a b@v3` 
use `a b@v3`
