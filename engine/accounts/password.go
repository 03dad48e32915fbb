package accounts

import (
	"crypto/sha1" //nolint:gosec // what mysql_native_password is made of
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"

	"github.com/dolthub/vitess/go/mysql"
)

// The authentication plugins.
const (
	Native      = "mysql_native_password"
	CachingSHA2 = "caching_sha2_password"
)

// sha2Rounds is MySQL's default.
const sha2Rounds = 5

// maxPasswordBytes bounds the work of a log-in.
const maxPasswordBytes = 256

// HashPassword returns what is kept of a password for a plugin; an empty password has an empty hash. Errors: 1827 for a
// password that is too long, 1524 for an unknown plugin.
func HashPassword(plugin, password string) (string, error) {
	if len(password) > maxPasswordBytes {
		return "", errorf(1827, "The password is longer than %d bytes", maxPasswordBytes)
	}
	switch {
	case plugin != Native && plugin != CachingSHA2:
		return "", errorf(1524, "Plugin '%s' is not loaded: use %s or %s", plugin, CachingSHA2, Native)
	case password == "":
		return "", nil
	case plugin == Native:
		first := sha1.Sum([]byte(password)) //nolint:gosec // the plugin's
		second := sha1.Sum(first[:])        //nolint:gosec // the plugin's
		return "*" + strings.ToUpper(hex.EncodeToString(second[:])), nil
	}
	salt, err := mysql.NewSalt()
	if err != nil {
		return "", err
	}
	out, err := mysql.SerializeCachingSha2PasswordAuthString(password, salt, sha2Rounds)
	return string(out), err
}

// CheckHash reports whether a text given as IDENTIFIED WITH … AS '…' can be a hash of the plugin. Error: 1827.
func CheckHash(plugin, hash string) error {
	ok := hash == ""
	switch plugin {
	case Native:
		raw, err := hex.DecodeString(strings.TrimPrefix(hash, "*"))
		ok = ok || err == nil && len(raw) == sha1.Size && hash[0] == '*'
	case CachingSHA2:
		_, _, salt, _, err := mysql.DeserializeCachingSha2PasswordAuthString([]byte(hash))
		ok = ok || err == nil && len(salt) > 0
	default:
		return errorf(1524, "Plugin '%s' is not loaded: use %s or %s", plugin, CachingSHA2, Native)
	}
	if !ok {
		return errorf(1827, "The password hash doesn't have the expected format.")
	}
	return nil
}

// MatchesPassword reports whether a password is that of the account, which has one.
func (a *Account) MatchesPassword(password string) bool {
	if len(password) > maxPasswordBytes || a.Hash == "" {
		return false
	}
	var again string
	switch a.Plugin {
	case Native:
		again, _ = HashPassword(Native, password)
	case CachingSHA2:
		_, rounds, salt, _, err := mysql.DeserializeCachingSha2PasswordAuthString([]byte(a.Hash))
		if err != nil {
			return false
		}
		out, err := mysql.SerializeCachingSha2PasswordAuthString(password, salt, rounds)
		if err != nil {
			return false
		}
		again = string(out)
	}
	return subtle.ConstantTimeCompare([]byte(again), []byte(a.Hash)) == 1
}

// MatchesNative reports whether an answer to a salt proves the password of a mysql_native_password account.
func (a *Account) MatchesNative(answer, salt []byte) bool {
	raw, err := hex.DecodeString(strings.TrimPrefix(a.Hash, "*"))
	return err == nil && a.Plugin == Native && len(answer) == sha1.Size && len(raw) == sha1.Size && mysql.VerifyHashedMysqlNativePassword(answer, salt, raw)
}

// fastHash is what a server remembers of a caching_sha2_password that was proved once: enough to check the short form
// of later log-ins, and not enough to log in elsewhere.
func fastHash(password string) []byte {
	first := sha256.Sum256([]byte(password))
	second := sha256.Sum256(first[:])
	return second[:]
}

func matchesFast(answer, salt, fast []byte) bool {
	return len(answer) == sha256.Size && mysql.VerifyHashedCachingSha2Password(answer, salt, fast)
}
