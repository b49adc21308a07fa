package rulefmt

import (
	"fmt"
	"reflect"

	"github.com/asa2udm/asa2udm/mapping"
)

// difference answers where two rule files do not say the same, places left out,
// or "".
func difference(a, b *mapping.Ruleset) string {
	return differ("the file", reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem())
}

func differ(at string, a, b reflect.Value) string {
	switch a.Interface().(type) {
	case mapping.Text:
		if a.FieldByName("Value").String() != b.FieldByName("Value").String() {
			return at
		}
		return ""
	case mapping.Pos:
		return ""
	}
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return said(at, a.IsNil() != b.IsNil())
		}
		return differ(at, a.Elem(), b.Elem())
	case reflect.Struct:
		return differStruct(at, a, b)
	case reflect.Slice:
		if a.Len() != b.Len() {
			return at
		}
		for i := range a.Len() {
			if place := differ(fmt.Sprintf("%s[%d]", at, i), a.Index(i), b.Index(i)); place != "" {
				return place
			}
		}
		return ""
	}
	return said(at, !a.Equal(b))
}

func differStruct(at string, a, b reflect.Value) string {
	for i := range a.NumField() {
		if !a.Type().Field(i).IsExported() {
			continue
		}
		if place := differ(at+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i)); place != "" {
			return place
		}
	}
	return ""
}

func said(at string, different bool) string {
	if different {
		return at
	}
	return ""
}
