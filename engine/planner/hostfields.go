package planner

import "reflect"

// Some host expressions keep what they were parsed from in unexported fields without accessors. These
// helpers read such scalars by reflection, which Go allows; a test holds the names against the host's version.

func hostString(e any, field string) string {
	v := reflect.Indirect(reflect.ValueOf(e)).FieldByName(field)
	if v.Kind() != reflect.String {
		return ""
	}
	return v.String()
}

func hostInt(e any, field string) int {
	v := reflect.Indirect(reflect.ValueOf(e)).FieldByName(field)
	if !v.IsValid() || !v.CanInt() {
		return 0
	}
	return int(v.Int())
}

func hostBool(e any, field string) bool {
	v := reflect.Indirect(reflect.ValueOf(e)).FieldByName(field)
	return v.Kind() == reflect.Bool && v.Bool()
}

// hostSortOrders returns, for a slice of sort fields in an unexported field, which of them descend.
func hostSortOrders(e any, field string) []bool {
	v := reflect.Indirect(reflect.ValueOf(e)).FieldByName(field)
	if v.Kind() != reflect.Slice {
		return nil
	}
	desc := make([]bool, v.Len())
	for i := range desc {
		desc[i] = v.Index(i).FieldByName("Order").Uint() == 2
	}
	return desc
}
