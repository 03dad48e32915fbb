package parser_test

import (
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine/parser"
)

// TestMaskPasswords hides passwords wherever a statement can hold one, and nothing else.
func TestMaskPasswords(t *testing.T) {
	for in, want := range map[string]string{
		`CREATE USER 'u'@'%' IDENTIFIED BY 'secret'`:                                                 `CREATE USER 'u'@'%' IDENTIFIED BY '***'`,
		`create user u identified with 'caching_sha2_password' by "sec""ret" require ssl`:            `create user u identified with 'caching_sha2_password' by '***' require ssl`,
		`ALTER USER u IDENTIFIED WITH mysql_native_password AS '*secret', v IDENTIFIED BY 'secret2'`: `ALTER USER u IDENTIFIED WITH mysql_native_password AS '***', v IDENTIFIED BY '***'`,
		`SET PASSWORD FOR 'u' = 'secret'`:                                                            `SET PASSWORD FOR 'u' = '***'`,
		`SELECT 'a'; SET PASSWORD = 'secret'; SELECT 'b' AS c`:                                       `SELECT 'a'; SET PASSWORD = '***'; SELECT 'b' AS c`,
		`/* x */ SET PASSWORD /* y */ = /* z */ 'secret'`:                                            `/* x */ SET PASSWORD /* y */ = /* z */ '***'`,
		`CREATE USER u IDENTIFIED BY 'secret`:                                                        `CREATE USER u IDENTIFIED BY '***'`,
		`CREATE USER u IDENTIFIED BY x'736563726574'`:                                                `CREATE USER u IDENTIFIED BY '***'`,
		`CREATE USER u /*!80000 IDENTIFIED BY 'secret' */`:                                           `CREATE USER u '***'`,
		`SELECT 'by' FROM t WHERE x = 'y' ORDER BY 'z'`:                                              `SELECT 'by' FROM t WHERE x = 'y' ORDER BY 'z'`,
	} {
		if got := parser.MaskPasswords(in); got != want || strings.Contains(got, "secret") {
			t.Errorf("%s\n%s, want\n%s", in, got, want)
		}
	}
}
