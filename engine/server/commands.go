package server

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/dolthub/vitess/go/mysql"
	querypb "github.com/dolthub/vitess/go/vt/proto/query"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/engine/mysqlerr"
	"github.com/featuresql/featuresql/engine/parser"
)

// The commands of the protocol that are looked at here.
const (
	comQuit        = 0x01
	comInitDB      = 0x02
	comQuery       = 0x03
	comFieldList   = 0x04
	comRefresh     = 0x07
	comStatistics  = 0x09
	comProcessInfo = 0x0a
	comProcessKill = 0x0c
	comPing        = 0x0e
	comChangeUser  = 0x11
	comPrepare     = 0x16
	comExecute     = 0x17
	comLongData    = 0x18
	comStmtClose   = 0x19
	comStmtReset   = 0x1a
	comSetOption   = 0x1b
	comFetch       = 0x1c
	comReset       = 0x1f
)

// beginCommand looks at a command of n bytes, of which nothing has been read. taken: the host need not see it, or
// sees something else.
func (c *conn) beginCommand(n int) (taken bool, err error) {
	if n == 0 {
		return true, c.malformed()
	}
	head, err := c.br.Peek(min(n, 6))
	if err != nil {
		return false, err
	}
	switch head[0] {
	case comQuit, comInitDB, comQuery, comPing: // for the host
		return false, nil
	case comExecute:
		known := len(head) == 6 && c.my.PrepareData[binary.LittleEndian.Uint32(head[1:])] != nil
		if known {
			c.closeCursor(binary.LittleEndian.Uint32(head[1:]))
		}
		if known && head[5] == 0 {
			return false, nil
		}
	case comStmtClose:
		if len(head) >= 5 {
			id := binary.LittleEndian.Uint32(head[1:])
			c.closeCursor(id)
			c.s.handler.closeStatement(c.my, id)
		}
		return false, nil
	}
	body, err := c.payload(n)
	if err != nil {
		return true, err
	}
	return true, c.answerCommand(body[0], body)
}

// answerCommand answers a command itself, or gives the host another one in its place.
func (c *conn) answerCommand(command byte, body []byte) error {
	switch args := body[1:]; command {
	case comPrepare:
		c.rewritePrepare(args)
		return nil
	case comExecute, comFetch, comStmtReset, comLongData:
		return c.onStatement(command, body)
	case comSetOption:
		if len(args) == 2 && args[0] <= 1 && args[1] == 0 {
			c.pending = appendPackets(nil, body)
			return nil
		}
	case comFieldList:
		return c.fieldList(args)
	case comRefresh: // what MySQL reads again is always new here
		c.instead("FLUSH PRIVILEGES")
		return nil
	case comStatistics:
		return c.WritePackets(appendPackets(nil, []byte(c.s.statistics())))
	case comProcessInfo:
		c.instead("SHOW PROCESSLIST")
		return nil
	case comProcessKill:
		if len(args) == 4 {
			c.instead(fmt.Sprintf("KILL %d", binary.LittleEndian.Uint32(args)))
			return nil
		}
		return c.malformed()
	case comChangeUser:
		return c.changeUser(args)
	case comReset:
		return c.reset()
	}
	return c.sendError(mysql.ERUnknownComError, mysql.SSUnknownComError, "Unknown command")
}

func (c *conn) malformed() error {
	return c.sendError(1835, mysql.SSUnknownComError, "Malformed communication packet.")
}

// instead gives the host a statement in place of a command.
func (c *conn) instead(text string) {
	c.pending = appendPackets(nil, append([]byte{comQuery}, text...))
}

// rewritePrepare gives the host a COM_STMT_PREPARE of the plain grammar with the same parameters.
func (c *conn) rewritePrepare(text []byte) {
	opts, err := c.s.handler.ParserOptionsForConnection(c.my)
	if err != nil {
		opts = ast.ParserOptions{}
	}
	c.pending = appendPackets(nil, append([]byte{comPrepare}, parser.Rewrite(string(text), opts)...))
}

// onStatement answers a command on a prepared statement.
func (c *conn) onStatement(command byte, body []byte) error {
	if len(body) < 5 {
		return c.malformed()
	}
	id := binary.LittleEndian.Uint32(body[1:])
	p := c.my.PrepareData[id]
	switch {
	case command == comLongData:
		return c.longData(p, body)
	case p == nil:
		name := map[byte]string{comExecute: "mysqld_stmt_execute", comFetch: "mysqld_stmt_fetch", comStmtReset: "mysqld_stmt_reset"}[command]
		return c.sendError(1243, mysql.SSUnknownSQLState, fmt.Sprintf("Unknown prepared statement handler (%d) given to %s", id, name))
	case command == comStmtReset:
		c.closeCursor(id)
		p.BindVars = map[string]*querypb.BindVariable{}
		return c.WritePackets(c.ok())
	case command == comFetch && len(body) == 9:
		return c.fetch(id, binary.LittleEndian.Uint32(body[5:]))
	case command == comExecute && len(body) > 5:
		c.openCursor(id, body)
		return nil
	}
	return c.malformed()
}

// ok is an OK packet without numbers.
func (c *conn) ok() []byte {
	flags := c.my.StatusFlags
	return appendPackets(nil, []byte{mysql.OKPacket, 0, 0, byte(flags), byte(flags >> 8), 0, 0})
}

// longData keeps a piece of a parameter. The command has no answer; what is wrong with it shows in the execution.
func (c *conn) longData(p *mysql.PrepareData, body []byte) error {
	if p == nil || len(body) < 7 || binary.LittleEndian.Uint16(body[5:]) >= p.ParamsCount {
		return nil
	}
	key, chunk := fmt.Sprintf("v%d", binary.LittleEndian.Uint16(body[5:])+1), body[7:]
	v := p.BindVars[key]
	if v == nil {
		v = &querypb.BindVariable{Type: querypb.Type_VARBINARY}
		p.BindVars[key] = v
	}
	if len(v.Value)+len(chunk) > c.s.cfg.MaxPacketBytes {
		return c.tooLarge()
	}
	v.Value = append(v.Value, chunk...)
	return nil
}

// fieldList answers COM_FIELD_LIST by the definitions of a table's columns, each with a default, which is NULL.
func (c *conn) fieldList(args []byte) error {
	table, _, ok := bytes.Cut(args, []byte{0})
	if !ok {
		return c.malformed()
	}
	c.capture = &capture{rows: &cursor{dir: c.s.cfg.TempDir}, oldEOF: c.my.Capabilities&mysql.CapabilityClientDeprecateEOF == 0}
	c.capture.end = func(definitions [][]byte, last []byte) error {
		var out []byte
		for _, d := range definitions[1:] {
			out = append(out, appendPackets(nil, append(d[headerBytes:], 0xfb))...)
		}
		return c.WritePackets(append(out, last...))
	}
	c.instead("SELECT * FROM `" + string(bytes.ReplaceAll(table, []byte("`"), []byte("``"))) + "` LIMIT 0")
	return nil
}

// reset answers COM_RESET_CONNECTION.
func (c *conn) reset() error {
	c.closeCursors()
	c.s.handler.forgetStatements(c.my)
	if err := c.s.handler.ComResetConnection(c.my); err != nil {
		e := mysqlerr.From(err)
		_ = c.sendError(e.Num, e.State, e.Message)
		return io.EOF
	}
	return c.WritePackets(c.ok())
}
