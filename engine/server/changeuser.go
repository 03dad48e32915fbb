package server

import (
	"bytes"
	"context"
	"io"

	"github.com/dolthub/vitess/go/mysql"

	"github.com/featuresql/featuresql/engine/mysqlerr"
)

// changeUser answers COM_CHANGE_USER: the client proves the new account by mysql_native_password against a new
// salt (an authentication switch, whatever method it began with), and gets a new session. A failure ends the
// connection, as in MySQL.
func (c *conn) changeUser(body []byte) error {
	user, rest, ok := bytes.Cut(body, []byte{0})
	if !ok || len(rest) == 0 || len(rest) < 1+int(rest[0]) {
		return c.malformed()
	}
	db, _, _ := bytes.Cut(rest[1+int(rest[0]):], []byte{0})
	salt, err := mysql.NewSalt()
	if err != nil {
		return err
	}
	ask := append([]byte{mysql.AuthSwitchRequestPacket}, string(mysql.MysqlNativePassword)...)
	ask = append(append(append(ask, 0), salt...), 0)
	if err := c.WritePackets(appendPackets(nil, ask)); err != nil {
		return err
	}
	answer, err := c.answer()
	if err != nil {
		return err
	}
	if err := c.become(string(user), string(db), salt, answer); err != nil {
		e := mysqlerr.From(err)
		_ = c.sendError(e.Num, e.State, e.Message)
		return io.EOF
	}
	return c.WritePackets(c.ok())
}

// answer reads one short packet of the client.
func (c *conn) answer() ([]byte, error) {
	var h [headerBytes]byte
	if _, err := io.ReadFull(c.br, h[:]); err != nil {
		return nil, err
	}
	n := int(h[0]) | int(h[1])<<8 | int(h[2])<<16
	if n > 1024 {
		return nil, errTooLarge
	}
	c.seq = h[3] + 1
	body := make([]byte, n)
	_, err := io.ReadFull(c.br, body)
	return body, err
}

// become authenticates user and gives the connection a new session.
func (c *conn) become(user, db string, salt, answer []byte) error {
	denied := mysql.NewSQLError(mysql.ERAccessDeniedError, mysql.SSAccessDeniedError, "Access denied for user '%s'", user)
	for _, m := range (authServer{c.s.cfg.Engine.Analyzer.Catalog.MySQLDb, c.s}).AuthMethods() {
		if m.Name() != mysql.MysqlNativePassword || !m.HandleUser(c.my, user) {
			continue
		}
		g, err := m.HandleAuthPluginData(c.my, user, append(salt, 0), answer, c.Conn.RemoteAddr())
		if err != nil {
			return err
		}
		c.my.User, c.my.UserData = user, g
		c.closeCursors()
		c.s.handler.forgetStatements(c.my)
		h := c.s.handler
		h.release(c.my)
		c.s.cfg.Engine.CloseSession(c.my.ConnectionID)
		if err := h.sessions.NewSession(context.Background(), c.my); err != nil {
			return err
		}
		return h.ComInitDB(c.my, db)
	}
	return denied
}
