package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"
)

// yamlConfig reads a configuration file: a map from the names of flags to values. A flag of one command may also
// stand below the command's name, where it wins: serve: {listen: …}.
func yamlConfig(r io.Reader) (kong.Resolver, error) {
	values := map[string]any{}
	if err := yaml.NewDecoder(r).Decode(&values); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return configValues(values), nil
}

type configValues map[string]any

// Validate implements kong.Resolver: a key that is no flag's is a mistake, not a comment.
func (c configValues) Validate(app *kong.Application) error {
	flags := map[string]bool{}
	commands := map[string]map[string]bool{}
	for _, cmd := range app.Leaves(true) {
		own := map[string]bool{}
		for _, group := range cmd.AllFlags(true) {
			for _, f := range group {
				flags[f.Name], own[f.Name] = true, true
			}
		}
		commands[cmd.Name] = own
	}
	for key, v := range c {
		nested, isMap := v.(map[string]any)
		if !isMap {
			if err := single(key, v); err != nil {
				return err
			}
			if !flags[key] {
				return fmt.Errorf("configuration: there is no flag --%s", key)
			}
			continue
		}
		if commands[key] == nil {
			return fmt.Errorf("configuration: there is no command %s", key)
		}
		for k := range nested {
			if !commands[key][k] {
				return fmt.Errorf("configuration: %s has no flag --%s", key, k)
			}
			if err := single(key+"."+k, nested[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// single refuses lists and maps: every flag has one value.
func single(key string, v any) error {
	switch v.(type) {
	case []any, map[string]any, nil:
		return fmt.Errorf("configuration: %s must have one value", key)
	}
	return nil
}

// Resolve implements kong.Resolver.
func (c configValues) Resolve(_ *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set { // the environment wins over the file
			return nil, nil //nolint:nilnil // how a resolver says that it has no value
		}
	}
	if node := parent.Node(); node != nil {
		if own, ok := c[node.Name].(map[string]any); ok {
			if v, ok := own[flag.Name]; ok {
				return text(v), nil
			}
		}
	}
	if v, ok := c[flag.Name]; ok {
		if _, isMap := v.(map[string]any); !isMap {
			return text(v), nil
		}
	}
	return nil, nil //nolint:nilnil // how a resolver says that it has no value
}

// text gives kong's mappers what they would get from a command line.
func text(v any) any {
	switch v.(type) {
	case bool:
		return v
	}
	return strings.TrimSpace(fmt.Sprint(v))
}
