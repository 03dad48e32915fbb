// Package types defines the engine's logical types, the five physical layouts they are stored in,
// and boxed scalar values (literals, statistics, partition values).
//
// It decides what a type is called, how it is stored, how two values of it compare, and how its values are read from and
// written as text by MySQL's rules (calendar included). It does not
// decide what an operator returns for two types (engine/expr), nor how a type is called in MySQL or
// in Delta (engine/planner, datasource/delta/schema).
//
// Invariants: a Type is a small comparable value; a Value is immutable.
package types
