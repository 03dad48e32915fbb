package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func parseConfig(t *testing.T, file string, args ...string) (cli, error) {
	t.Helper()
	var c cli
	r, err := yamlConfig(strings.NewReader(file))
	if err != nil {
		return c, err
	}
	k, err := kong.New(&c, kong.Name("featuresql"), kong.Resolvers(r), kong.Exit(func(int) { t.Fatal("exit") }))
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Parse(args)
	return c, err
}

func TestConfigFile(t *testing.T) {
	file := "warehouse: /data\nworkers: 3\nrequire-tls: true\nserve:\n  listen: 0.0.0.0:4000\n"
	c, err := parseConfig(t, file, "serve")
	if err != nil || c.Serve.Warehouse != "/data" || c.Serve.Workers != 3 || c.Serve.Listen != "0.0.0.0:4000" || !c.Serve.RequireTLS {
		t.Errorf("%+v, %v", c.Serve, err)
	}
	c, err = parseConfig(t, file, "serve", "--listen", "127.0.0.1:1", "--workers=5")
	if err != nil || c.Serve.Workers != 5 || c.Serve.Listen != "127.0.0.1:1" {
		t.Errorf("flags must win: %+v, %v", c.Serve, err)
	}
	t.Setenv("FEATURESQL_WORKERS", "7")
	c, err = parseConfig(t, file, "sql")
	if err != nil || c.SQL.Warehouse != "/data" || c.SQL.Workers != 7 {
		t.Errorf("the environment must win over the file: %+v, %v", c.SQL, err)
	}
}

func TestConfigMistakes(t *testing.T) {
	for file, want := range map[string]string{
		"warehose: x": "no flag --warehose", "serve: {port: 1}": "serve has no flag --port", "srve: {listen: x}": "no command srve", "[1, 2]": "configuration",
		"warehouse: [1, 2]": "one value", "workers: 1\nworkers: 2": "already defined", ": : :": "configuration", "serve: {listen: [x]}": "one value",
	} {
		if _, err := parseConfig(t, file, "serve"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", file, err, want)
		}
	}
}
