package server

import (
	"context"

	host "github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"

	"github.com/featuresql/featuresql/engine"
	"github.com/featuresql/featuresql/engine/planner"
	"github.com/featuresql/featuresql/engine/server/wire"
)

// Sessions returns the session builder of an engine: each connection gets a session with its own snapshots and
// transaction.
func Sessions(e *engine.Engine) host.SessionBuilder {
	return func(_ context.Context, c *mysql.Conn, addr string) (sql.Session, error) {
		client := sql.Client{User: c.User, Capabilities: c.Capabilities}
		if u, ok := c.UserData.(sql.MysqlConnectionUser); ok { // the account that the login found, without the port
			client.User, client.Address = u.User, u.Host
		}
		if l, ok := c.UserData.(login); ok {
			client.User, client.Address = l.User, l.Host
		}
		return e.NewSession(sql.NewBaseSessionWithClientServer(addr, client, c.ConnectionID)), nil
	}
}

// PlannerSink is the WithSink of a server whose plans come from package planner.
func PlannerSink(ctx context.Context, s *wire.Sink) context.Context { return planner.WithSink(ctx, s) }
