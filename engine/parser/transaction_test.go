package parser_test

import (
	"testing"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/engine/parser"
)

func TestTransactionSyntax(t *testing.T) {
	for text, ok := range map[string]bool{
		"BEGIN": true, "begin work": true, "START TRANSACTION": true, "START TRANSACTION READ ONLY": true,
		"START TRANSACTION WITH CONSISTENT SNAPSHOT": true, "START TRANSACTION /*!40100 WITH CONSISTENT SNAPSHOT */": true,
		"START TRANSACTION READ WRITE, WITH CONSISTENT SNAPSHOT": true, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY": true,
		"COMMIT WORK AND NO CHAIN NO RELEASE": true, "ROLLBACK AND CHAIN": true, "SET TRANSACTION READ WRITE": true, "ROLLBACK WORK TO SAVEPOINT s": true,
		"START TRANSACTION READ": false, "START TRANSACTION,": false, "START TRANSACTION READ ONLY,": false, "START TRANSACTION READ ONLY WITH CONSISTENT SNAPSHOT": false,
		"START TRANSACTION WITH": false, "COMMIT AND": false, "COMMIT NO CHAIN": false, "ROLLBACK RELEASE": false, "SET TRANSACTION READ": false, "BEGIN 1": false,
	} {
		if _, _, _, err := parser.New(nil).ParseWithOptions(t.Context(), text, ';', false, ast.ParserOptions{}); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
